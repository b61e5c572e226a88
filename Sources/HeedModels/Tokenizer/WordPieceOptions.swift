import HeedIR

/// What `tokenizer_config.json` says about a WordPiece tokenizer.
package struct WordPieceOptions: Hashable, Sendable {
  package var normalizer = BERTNormalizer()
  package var unknown = "[UNK]"
  package var start = "[CLS]"
  package var end = "[SEP]"
  package var padding = "[PAD]"
  package var mask = "[MASK]"
  /// Further tokens that are matched in the text before it is normalised.
  package var additional: [String] = []

  package var specialTokens: [String] { [padding, unknown, start, end, mask] + additional }

  package init() {}

  /// Reads `do_lower_case`, `strip_accents` (as `do_lower_case` where it is null), `tokenize_chinese_chars`, `clean_text` and the
  /// special tokens; what is not there keeps its default.
  /// - Throws: `HeedError` that names the key, where a value is of the wrong kind.
  package init(_ json: JSON) throws {
    guard json.members != nil else { throw HeedError("got \(json.kind), expected an object") }
    func flag(_ key: String) throws -> Bool? {
      guard let value = json[key], value != .null else { return nil }
      guard let flag = value.bool else { throw HeedError("\(key): got \(value.kind), expected true or false") }
      return flag
    }
    normalizer.lowercases = try flag("do_lower_case") ?? true
    normalizer.stripsAccents = try flag("strip_accents") ?? normalizer.lowercases
    normalizer.separatesIdeographs = try flag("tokenize_chinese_chars") ?? true
    normalizer.cleansText = try flag("clean_text") ?? true
    func token(_ key: String, default name: String) throws -> String {
      guard let value = json[key], value != .null else { return name }
      return try Self.token(value, key: key)
    }
    unknown = try token("unk_token", default: unknown)
    start = try token("cls_token", default: start)
    end = try token("sep_token", default: end)
    padding = try token("pad_token", default: padding)
    mask = try token("mask_token", default: mask)
    additional = try (json["additional_special_tokens"]?.array ?? []).map { try Self.token($0, key: "additional_special_tokens") }
    additional += try (json["added_tokens_decoder"]?.members ?? [:]).values.map { try Self.token($0, key: "added_tokens_decoder") }
  }

  /// A token, written as a string or as an object with its `content` and how it is matched.
  private static func token(_ value: JSON, key: String) throws -> String {
    guard let name = value.string ?? value["content"]?.string, !name.isEmpty else {
      throw HeedError("\(key): got \(value.kind), expected a token")
    }
    for option in ["lstrip", "rstrip", "single_word", "normalized"] where value[option]?.bool == true {
      throw HeedError("\(key): \(JSON.shown(name)): got \(option), expected a token that is matched as it stands")
    }
    return name
  }
}

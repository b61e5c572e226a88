internal import HeedIR
package import HeedModels
internal import HeedSystem

extension TokenizerFile {
  /// Reads the file at `path`.
  /// - Throws: `HeedError` that names the file and the key, where it is damaged or describes another kind of tokenizer.
  init(path: String) throws {
    let json = try JSON(file: path)
    do { try self.init(json) } catch let error as HeedError { throw error.during("reading \(path)") }
  }

  /// The same from the parsed file.
  package init(_ json: JSON) throws {
    guard json.members != nil else { throw HeedError("got \(json.kind), expected an object") }
    try Self.checkKind(json)
    guard let vocabulary = json["model"]?["vocab"]?.members, let merges = json["model"]?["merges"]?.array else {
      throw HeedError("got no model with vocab and merges")
    }
    special = try (json["added_tokens"]?.array ?? []).map(Self.specialToken)
    let names = Set(special.map { Array($0.name.utf8) })
    var tokens = [[UInt8]?](repeating: nil, count: vocabulary.count)
    for (name, value) in vocabulary {
      guard let id = value.integer, tokens.indices.contains(id), tokens[id] == nil else {
        throw HeedError("vocab: \(JSON.shown(name)): got no id of its own from 0 to \(vocabulary.count - 1)")
      }
      guard let bytes = names.contains(Array(name.utf8)) ? Array(name.utf8) : ByteAlphabet.bytes(name), !bytes.isEmpty else {
        throw HeedError("vocab: got \(JSON.shown(name)), expected characters that stand for bytes")
      }
      tokens[id] = bytes
    }
    self.tokens = tokens.compactMap { $0 }
    try Self.checkSpecial(special, self.tokens)
    self.merges = []
    self.merges = try Self.merges(merges, idsByBytes())
  }

  /// Every special token must be the one of its id, or have the next id after the vocabulary.
  private static func checkSpecial(_ special: [(name: String, id: Int32)], _ tokens: [[UInt8]]) throws {
    var next = tokens.count
    for (name, id) in special.sorted(by: { $0.id < $1.id }) {
      if tokens.indices.contains(Int(id)) {
        guard tokens[Int(id)] == Array(name.utf8) else {
          throw HeedError("added_tokens: got the id \(id) for \(JSON.shown(name)), which is that of another token")
        }
      } else {
        guard Int(id) == next else { throw HeedError("added_tokens: got the id \(id) for \(JSON.shown(name)), expected \(next)") }
        next += 1
      }
    }
  }

  private static func merges(_ list: [JSON], _ ids: [[UInt8]: Int32]) throws -> [BytePair] {
    if let byte = (UInt8.min ... .max).first(where: { ids[[$0]] == nil }) {
      throw HeedError("vocab: got no token for the byte \(byte), expected one for each of the 256")
    }
    return try list.enumerated().map { index, merge in
      let names =
        merge.array?.map(\.string) ?? merge.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      let parts = (names ?? []).compactMap { $0.flatMap(ByteAlphabet.bytes) }
      guard names?.count == 2, parts.count == 2, let first = ids[parts[0]], let second = ids[parts[1]],
        ids[parts[0] + parts[1]] != nil
      else { throw HeedError("merges: got no pair of tokens that makes a token at index \(index)") }
      return BytePair(first, second)
    }
  }

  private static func specialToken(_ json: JSON) throws -> (name: String, id: Int32) {
    guard let name = json["content"]?.string, !name.isEmpty, let id = json["id"]?.integer.flatMap({ Int32(exactly: $0) }), id >= 0
    else { throw HeedError("added_tokens: got a token without content and id") }
    for option in ["lstrip", "rstrip", "single_word"] where json[option]?.bool == true {
      throw HeedError("added_tokens: \(JSON.shown(name)): got \(option), expected a token that is matched as it stands")
    }
    return (name, id)
  }

  /// Byte pairs without further steps before or after them.
  private static func checkKind(_ json: JSON) throws {
    func expect(_ value: JSON?, _ place: String, _ accepted: JSON...) throws {
      let value = value ?? .null
      guard !accepted.contains(value) else { return }
      let got = value.string.map(JSON.shown) ?? (value.bool.map { "\($0)" } ?? value.kind)
      let expected = accepted.map { $0.string.map(JSON.shown) ?? ($0.bool.map { "\($0)" } ?? $0.kind) }.joined(separator: " or ")
      throw HeedError("\(place): got \(got), expected \(expected)")
    }
    let model = json["model"]
    // Older files do not say it.
    try expect(model?["type"], "model.type", .string("BPE"), .null)
    try expect(model?["dropout"], "model.dropout", .null)
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      try expect(model?[key], "model.\(key)", .null, .string(""))
    }
    for key in ["byte_fallback", "ignore_merges"] { try expect(model?[key], "model.\(key)", .null, .bool(false)) }
    for key in ["normalizer", "truncation", "padding"] { try expect(json[key], key, .null) }
    let splitter = json["pre_tokenizer"]
    try expect(splitter?["type"], "pre_tokenizer.type", .string("ByteLevel"))
    try expect(splitter?["add_prefix_space"], "pre_tokenizer.add_prefix_space", .bool(false))
    try expect(splitter?["use_regex"], "pre_tokenizer.use_regex", .null, .bool(true))
    if let after = json["post_processor"], after != .null {
      try expect(after["type"], "post_processor.type", .string("ByteLevel"))
    }
  }
}

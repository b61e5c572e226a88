internal import HeedIR
internal import HeedModels
internal import HeedSystem
internal import OrderedCollections

/// What a `tokenizer.json` of byte pairs says. Source: the library `tokenizers` of Hugging Face.
package struct TokenizerFile: Sendable {
  /// The bytes of each token by its id.
  var tokens: [[UInt8]]
  /// Pairs of tokens in the order in which they are merged. What they make is a token too.
  var merges: [BytePair]
  /// Special tokens: some of `tokens`, or further ones with the ids that follow.
  var special: [(name: String, id: Int32)]

  /// Tokens, merges, and special tokens with the ids that follow.
  /// - Throws: `HeedError` where a special token is written as a token of other bytes is.
  init(tokens: [[UInt8]], merges: [BytePair], specialTokens: [String]) throws {
    (self.tokens, self.merges, special) = (tokens, merges, [])
    let ids = idsByBytes()
    var next = Int32(tokens.count)
    for name in specialTokens {
      // One that is written as a token of the same bytes is that token: a file has one id for each name.
      let bytes = ByteAlphabet.bytes(name)
      if let id = bytes.flatMap({ ids[$0] }) {
        guard bytes == Array(name.utf8) else {
          throw HeedError("got the special token \(JSON.shown(name)), which is how a file writes the token of other bytes")
        }
        special.append((name, id))
      } else {
        special.append((name, next))
        next += 1
      }
    }
  }

  /// The token of each string of bytes, but for special tokens that a file does not write as such a string.
  func idsByBytes() -> [[UInt8]: Int32] {
    let apart = Set(special.filter { ByteAlphabet.bytes($0.name) != Array($0.name.utf8) }.map(\.id))
    var ids: [[UInt8]: Int32] = [:]
    for (id, token) in tokens.enumerated() where !apart.contains(Int32(id)) { ids[token] = Int32(id) }
    return ids
  }

  /// Writes the file.
  /// - Throws: `HeedError` where it cannot be written.
  func write(to path: String) throws { try FileBytes.write(json.text + "\n", to: path) }

  private var json: JSON {
    let specialNames = Dictionary(special.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    let names = tokens.enumerated().map { id, bytes in specialNames[Int32(id)] ?? ByteAlphabet.text(bytes) }
    let byteLevel: OrderedDictionary<String, JSON> = [
      "type": .string("ByteLevel"), "add_prefix_space": .bool(false), "trim_offsets": .bool(true), "use_regex": .bool(true),
    ]
    let added = special.map { name, id in
      JSON.object([
        "id": JSON(Int(id)), "content": .string(name), "single_word": .bool(false), "lstrip": .bool(false), "rstrip": .bool(false),
        "normalized": .bool(false), "special": .bool(true),
      ])
    }
    let model: OrderedDictionary<String, JSON> = [
      "type": .string("BPE"), "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null, "end_of_word_suffix": .null,
      "fuse_unk": .bool(false), "byte_fallback": .bool(false), "ignore_merges": .bool(false),
      "vocab": .object(OrderedDictionary(uniqueKeysWithValues: names.enumerated().map { ($1, JSON($0)) })),
      "merges": .array(merges.map { .string("\(names[Int($0.left)]) \(names[Int($0.right)])") }),
    ]
    return .object([
      "version": .string("1.0"), "truncation": .null, "padding": .null, "added_tokens": .array(added), "normalizer": .null,
      "pre_tokenizer": .object(byteLevel), "post_processor": .null, "decoder": .object(byteLevel), "model": .object(model),
    ])
  }
}

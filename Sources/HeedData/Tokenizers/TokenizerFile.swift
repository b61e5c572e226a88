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

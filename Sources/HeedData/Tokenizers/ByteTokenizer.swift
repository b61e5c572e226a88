/// A token for each byte: its id is the byte. Special tokens have the ids from 256 on.
public struct ByteTokenizer: ByteLevelTokenizer {
  private let file: TokenizerFile
  private let special: SpecialTokens

  /// The number of tokens: 256 and the special ones.
  public let vocabularySize: Int

  /// A tokenizer with these special tokens.
  /// - Throws: `HeedError` where a name is empty, longer than 256 bytes, stands there twice, or is how a file
  ///   writes a byte that is another.
  public init(specialTokens: [String] = []) throws {
    file = try TokenizerFile(tokens: (0...255).map { [$0] }, merges: [], specialTokens: specialTokens)
    special = try SpecialTokens(file.special)
    vocabularySize = 256 + file.special.count { $0.id >= 256 }
  }

  /// The bytes of `text` in UTF-8; a special token in it is one id.
  public func encode(_ text: String) -> [Int32] {
    let bytes = Array(text.utf8)
    var ids: [Int32] = []
    ids.reserveCapacity(bytes.count)
    special.split(bytes, piece: { ids += bytes[$0].lazy.map { Int32($0) } }, token: { ids.append($0) })
    return ids
  }

  /// The bytes as they are.
  public func encode(bytes: [UInt8]) -> [Int32] { bytes.map { Int32($0) } }

  /// The byte, or the name of a special token.
  public func bytes(of id: Int32) -> [UInt8]? {
    if let byte = UInt8(exactly: id) { return [byte] }
    return special.tokens.first { $0.id == id }.map { Array($0.name.utf8) }
  }

  /// The id of the special token called `name`, or nil.
  public func specialToken(_ name: String) -> Int32? { special.id(name) }

  /// Writes the tokenizer to a `tokenizer.json`: byte pairs without merges. `BytePairTokenizer` reads it.
  /// - Throws: `HeedError` where the file cannot be written.
  public func write(to path: String) throws {
    try file.write(to: path)
  }
}

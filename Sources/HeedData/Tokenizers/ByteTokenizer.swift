/// A token for each byte: its id is the byte. Special tokens have the ids from 256 on.
public struct ByteTokenizer: ByteLevelTokenizer {
  private let special: SpecialTokens

  /// The number of tokens: 256 and the special ones.
  public var vocabularySize: Int { 256 + special.tokens.count }

  /// A tokenizer with these special tokens.
  /// - Throws: `HeedError` where a name is empty, longer than 256 bytes, or stands there twice.
  public init(specialTokens: [String] = []) throws {
    special = try SpecialTokens(specialTokens.enumerated().map { ($1, Int32(256 + $0)) })
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
    let place = Int(id) - 256
    return special.tokens.indices.contains(place) ? Array(special.tokens[place].name.utf8) : nil
  }

  /// The id of the special token called `name`, or nil.
  public func specialToken(_ name: String) -> Int32? { special.id(name) }

  /// Writes the tokenizer to a `tokenizer.json`: byte pairs without merges. `BytePairTokenizer` reads it.
  /// - Throws: `HeedError` where the file cannot be written.
  public func write(to path: String) throws {
    try TokenizerFile(tokens: (0...255).map { [$0] }, merges: [], special: special.tokens).write(to: path)
  }
}

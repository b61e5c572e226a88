internal import HeedIR
internal import HeedSystem

/// A tokenizer whose tokens are strings of bytes, so that any bytes have ids, and come back from them exactly.
public protocol ByteLevelTokenizer: Tokenizer {
  /// The ids of bytes, which need not be text. Special tokens are not recognised in them.
  func encode(bytes: [UInt8]) -> [Int32]

  /// The bytes of a token; those of a special token are its name. Nil where there is no such id.
  func bytes(of id: Int32) -> [UInt8]?

  /// The id of the special token called `name`, or nil.
  func specialToken(_ name: String) -> Int32?

  /// Writes the tokenizer to a `tokenizer.json`, as the library `tokenizers` of Hugging Face reads it.
  /// - Throws: `HeedError` where the file cannot be written.
  func write(to path: String) throws
}

extension ByteLevelTokenizer {
  /// The bytes that `ids` stand for.
  /// - Throws: `HeedError` where one is not the id of a token.
  public func decode(_ ids: some Sequence<Int32>) throws -> [UInt8] {
    var result: [UInt8] = []
    for id in ids {
      guard let bytes = bytes(of: id) else { throw HeedError("got the token \(id), expected one from 0 to \(vocabularySize - 1)") }
      result += bytes
    }
    return result
  }

  /// The text that `ids` stand for. Bytes that are not UTF-8, such as half of a character, become U+FFFD.
  /// - Throws: `HeedError` where one is not the id of a token.
  public func decodeText(_ ids: some Sequence<Int32>) throws -> String { String(decoding: try decode(ids), as: UTF8.self) }

  /// The ids of the text in the file at `path`.
  /// - Throws: `HeedError` that names the file, where it cannot be read or is not UTF-8.
  public func encode(file path: String) throws -> [Int32] { encode(try TextFile.read(path)) }
}

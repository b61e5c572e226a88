/// The printable characters that stand for bytes in the files of byte-level tokenizers: a printable byte of Latin-1 for itself, the
/// others, in their order, for U+0100 on. The order of the characters is that of the first 256 tokens.
/// Source: `bytes_to_unicode` of GPT-2's encoder.py.
package enum ByteAlphabet {
  /// The bytes in the order of their characters: of the token with an id below 256.
  package static let bytes: [UInt8] = (0...255).filter(isPrintable) + (0...255).filter { !isPrintable($0) }

  /// The id of each byte's token.
  package static let ids: [Int32] = {
    var ids = [Int32](repeating: 0, count: 256)
    for (id, byte) in bytes.enumerated() { ids[Int(byte)] = Int32(id) }
    return ids
  }()

  /// The character of each byte.
  private static let characters: [Unicode.Scalar] = {
    var characters = (0...255).map { Unicode.Scalar(UInt8($0)) }
    for (index, byte) in bytes.filter({ !isPrintable($0) }).enumerated() {
      characters[Int(byte)] = Unicode.Scalar(UInt16(0x100 + index))!
    }
    return characters
  }()

  private static let bytesOfCharacters = Dictionary(uniqueKeysWithValues: zip(characters, UInt8.min ... .max))

  private static func isPrintable(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: true
    default: false
    }
  }

  /// `bytes` as a file writes them.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes { text.append(characters[Int(byte)]) }
    return String(text)
  }

  /// The bytes of a text that a file wrote; nil where a character stands for none.
  static func bytes(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard let byte = bytesOfCharacters[scalar] else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}

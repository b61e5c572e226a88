/// Splits text into the words within which byte pairs are merged, as GPT-2's pattern does:
/// `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
///
/// So a word is a contraction's end, or letters, numbers or other characters with at most one blank before them, or white space. The
/// words follow one another without gaps. A byte that is not part of valid UTF-8 counts as another character.
package struct WordSplitter {
  private enum Class: UInt8 { case space, letter, number, other }

  private static let asciiClasses: [Class] = (0..<128).map { classOf(Unicode.Scalar(UInt8($0))) }

  private static func classOf(_ scalar: Unicode.Scalar) -> Class {
    let properties = scalar.properties
    if properties.isWhitespace { return .space }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    default: return .other
    }
  }

  /// The end of the word that begins at `start` in a text that ends at `end`.
  package static func endOfWord(_ bytes: [UInt8], from start: Int, end: Int) -> Int {
    if let contraction = contraction(bytes, start, end) { return start + contraction }
    var (kind, length) = scalar(bytes, start, end)
    var position = start + length
    if bytes[start] == UInt8(ascii: " "), position < end {
      let next = scalar(bytes, position, end)
      if next.class != .space { (kind, position) = (next.class, position + next.length) }
    }
    var last = length
    while position < end {
      let next = scalar(bytes, position, end)
      guard next.class == kind else { break }
      (position, last) = (position + next.length, next.length)
    }
    // The last of several blanks before a word belongs to what follows.
    if kind == .space, position < end, position - last > start { return position - last }
    return position
  }

  /// The length of `'s`, `'t`, `'re` and the like at `start`.
  private static func contraction(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
    guard bytes[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
    let first = bytes[start + 1]
    switch first {
    case UInt8(ascii: "s"), UInt8(ascii: "d"), UInt8(ascii: "m"), UInt8(ascii: "t"): return 2
    case UInt8(ascii: "l"), UInt8(ascii: "v"), UInt8(ascii: "r"):
      let second = first == UInt8(ascii: "l") ? first : UInt8(ascii: "e")
      return start + 2 < end && bytes[start + 2] == second ? 3 : nil
    default: return nil
    }
  }

  /// The class and the length in bytes of the character at `position`.
  private static func scalar(_ bytes: [UInt8], _ position: Int, _ end: Int) -> (class: Class, length: Int) {
    let first = bytes[position]
    if first < 0x80 { return (asciiClasses[Int(first)], 1) }
    let length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    guard (0xc2...0xf4).contains(first), position + length <= end else { return (.other, 1) }
    var value = UInt32(first) & (0x7f >> UInt32(length))
    for index in position + 1..<position + length {
      guard bytes[index] & 0xc0 == 0x80 else { return (.other, 1) }
      value = value << 6 | UInt32(bytes[index] & 0x3f)
    }
    let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
    guard value >= least, let scalar = Unicode.Scalar(value) else { return (.other, 1) }
    return (classOf(scalar), length)
  }
}

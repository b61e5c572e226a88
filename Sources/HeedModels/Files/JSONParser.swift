import HeedIR
internal import OrderedCollections

/// A recursive-descent parser over bytes that are known to be UTF-8.
struct JSONParser {
  let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  /// The one member of the outermost object that is kept; nil for all.
  private let keptKey: String?
  /// Whether texts are only checked.
  private var isSkipping = false

  init(bytes: [UInt8], keepingOnly key: String? = nil) { (self.bytes, keptKey) = (bytes, key) }

  mutating func parseDocument() throws -> JSON {
    let value = try parseValue()
    skipSpace()
    guard position == bytes.count else { throw failure(expected: "the end of the text") }
    return value
  }

  private func failure(expected: String) -> HeedError {
    guard position < bytes.count else { return HeedError("got the end of the JSON text at byte \(position), expected \(expected)") }
    let byte = bytes[position]
    let got = (0x20..<0x7f).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    return HeedError("got \(got) at byte \(position) of the JSON text, expected \(expected)")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || (0x9...0xa).contains(byte) || byte == 0xd { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func parseValue() throws -> JSON {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try nested { try $0.parseObject() }
    case UInt8(ascii: "["): return try nested { try $0.parseArray() }
    case UInt8(ascii: "\""): return .string(try parseString(isKept: !isSkipping))
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    default: return .number(try parseNumber())
    }
  }

  private mutating func nested(_ body: (inout JSONParser) throws -> JSON) throws -> JSON {
    guard depth < JSON.maximumDepth else {
      throw HeedError("got JSON nested deeper than \(JSON.maximumDepth) levels at byte \(position)")
    }
    depth += 1
    defer { depth -= 1 }
    position += 1
    return try body(&self)
  }

  private mutating func parseObject() throws -> JSON {
    var members: OrderedDictionary<String, JSON> = [:]
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw failure(expected: "a key in quotes") }
      let start = position
      let key = try parseString()
      guard members[key] == nil else { throw HeedError("got the key \(JSON.shown(key)) a second time at byte \(start)") }
      skipSpace()
      guard take(":") else { throw failure(expected: "':'") }
      let isKept = keptKey == nil || depth == 1 && key == keptKey
      let outer = isSkipping
      isSkipping = !isKept
      let value = try parseValue()
      isSkipping = outer
      members[key] = isKept ? value : .null
      skipSpace()
    } while take(",")
    guard take("}") else { throw failure(expected: "',' or '}'") }
    return .object(members)
  }

  private mutating func parseArray() throws -> JSON {
    var values: [JSON] = []
    skipSpace()
    if take("]") { return .array([]) }
    repeat {
      let value = try parseValue()
      if keptKey == nil { values.append(value) }
      skipSpace()
    } while take(",")
    guard take("]") else { throw failure(expected: "',' or ']'") }
    return .array(values)
  }

  private mutating func parseWord(_ word: StaticString, _ value: JSON) throws -> JSON {
    let count = word.utf8CodeUnitCount
    guard bytes[position...].prefix(count).elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: count)) else {
      throw failure(expected: "\(word)")
    }
    position += count
    return value
  }

  private mutating func parseNumber() throws -> String {
    let start = position
    _ = take("-")
    if !take("0") { try parseDigits(expected: position == start ? "a JSON value" : "a digit") }
    if take(".") { try parseDigits(expected: "a digit") }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try parseDigits(expected: "a digit")
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func parseDigits(expected: String) throws {
    let start = position
    while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    guard position > start else { throw failure(expected: expected) }
  }

  /// - Parameter isKept: whether the text matters; otherwise it is only checked.
  private mutating func parseString(isKept: Bool = true) throws -> String {
    position += 1
    // What stands before the last escape; nothing where there is none.
    var unescaped: [UInt8] = []
    var start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        let rest = bytes[start..<position]
        position += 1
        guard isKept else { return "" }
        guard !unescaped.isEmpty else { return String(decoding: rest, as: UTF8.self) }
        unescaped += rest
        return String(decoding: unescaped, as: UTF8.self)
      case UInt8(ascii: "\\"):
        if isKept { unescaped += bytes[start..<position] }
        position += 1
        let scalar = try parseEscape()
        if isKept { unescaped += UTF8.encode(scalar)! }
        start = position
      case 0..<0x20: throw failure(expected: "no bare control character in a string")
      default: position += 1
      }
    }
    throw failure(expected: "'\"'")
  }

  private mutating func parseEscape() throws -> Unicode.Scalar {
    let scalar: Unicode.Scalar
    switch next {
    case UInt8(ascii: "u"):
      position += 1
      return try parseUnicodeEscape()
    case UInt8(ascii: "\""): scalar = "\""
    case UInt8(ascii: "\\"): scalar = "\\"
    case UInt8(ascii: "/"): scalar = "/"
    case UInt8(ascii: "b"): scalar = "\u{8}"
    case UInt8(ascii: "f"): scalar = "\u{c}"
    case UInt8(ascii: "n"): scalar = "\n"
    case UInt8(ascii: "r"): scalar = "\r"
    case UInt8(ascii: "t"): scalar = "\t"
    default: throw failure(expected: "an escape")
    }
    position += 1
    return scalar
  }

  private mutating func parseUnicodeEscape() throws -> Unicode.Scalar {
    let start = position - 2
    let first = try parseHexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xdc00, take("\\"), take("u") {
      let second = try parseHexadecimal()
      if (0xdc00..<0xe000).contains(second) {
        return Unicode.Scalar(0x10000 + (UInt32(first - 0xd800) << 10) + UInt32(second - 0xdc00))!
      }
    }
    throw HeedError("got half of a surrogate pair at byte \(start) of the JSON text, expected both halves")
  }

  private mutating func parseHexadecimal() throws -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Self.hexadecimalDigit(byte) else { throw failure(expected: "four hexadecimal digits") }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt16? {
    switch byte {
    case 0x30...0x39: UInt16(byte - 0x30)
    case 0x41...0x46: UInt16(byte - 0x41 + 10)
    case 0x61...0x66: UInt16(byte - 0x61 + 10)
    default: nil
    }
  }
}

import HeedIR
internal import OrderedCollections

/// A recursive-descent parser over bytes that are known to be UTF-8.
struct JSONParser {
  let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

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
    case UInt8(ascii: "\""): return .string(try parseString())
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
      members[key] = try parseValue()
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
      values.append(try parseValue())
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

  private mutating func parseString() throws -> String {
    position += 1
    var text = ""
    var start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        text += String(decoding: bytes[start..<position], as: UTF8.self)
        position += 1
        return text
      case UInt8(ascii: "\\"):
        text += String(decoding: bytes[start..<position], as: UTF8.self)
        position += 1
        text.unicodeScalars.append(try parseEscape())
        start = position
      case 0..<0x20: throw failure(expected: "no bare control character in a string")
      default: position += 1
      }
    }
    throw failure(expected: "'\"'")
  }

  private mutating func parseEscape() throws -> Unicode.Scalar {
    guard let byte = next else { throw failure(expected: "an escape") }
    if byte == UInt8(ascii: "u") {
      position += 1
      return try parseUnicodeEscape()
    }
    let plain: [UInt8: Unicode.Scalar] = [
      0x22: "\"", 0x5c: "\\", 0x2f: "/", 0x62: "\u{8}", 0x66: "\u{c}", 0x6e: "\n", 0x72: "\r", 0x74: "\t",
    ]
    guard let scalar = plain[byte] else { throw failure(expected: "an escape") }
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
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure(expected: "four hexadecimal digits")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}

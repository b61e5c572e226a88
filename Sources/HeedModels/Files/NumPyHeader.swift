import HeedArrays
import HeedIR

/// The header of a `.npy` file: a magic number, a version, a length, and a Python dictionary of three keys.
struct NumPyHeader {
  var element: ElementType
  var shape: [Int]
  var isFortranOrder: Bool

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  private static let codes: [(ElementType, String)] = [
    (.f64, "<f8"), (.f32, "<f4"), (.f16, "<f2"), (.i64, "<i8"), (.i32, "<i4"), (.i8, "|i1"), (.u8, "|u1"), (.bool, "|b1"),
  ]
  private static var codeList: String { codes.map(\.1).joined(separator: " ") }

  /// The header at the start of `bytes`, and where the elements begin.
  static func parse(_ bytes: UnsafeRawBufferPointer) throws -> (header: NumPyHeader, dataOffset: Int) {
    guard bytes.count >= 10 else { throw HeedError("got a file of \(bytes.count) bytes, expected a .npy header") }
    guard bytes.starts(with: magic) else { throw HeedError("got a file that does not begin with \\x93NUMPY, expected a .npy file") }
    let (major, minor) = (bytes[6], bytes[7])
    guard (1...3).contains(major), minor == 0 else {
      throw HeedError("got .npy format version \(major).\(minor), expected 1.0, 2.0 or 3.0")
    }
    let start = major == 1 ? 10 : 12
    guard bytes.count >= start else { throw HeedError("got a file of \(bytes.count) bytes, expected a .npy header") }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - start else {
      throw HeedError("got a .npy header of \(length) bytes, expected at most the \(bytes.count - start) that the file still has")
    }
    var parser = NumPyHeaderParser(bytes: Array(bytes[start..<start + length]))
    let fields = try parser.parse()
    let header = NumPyHeader(
      element: try element(code: fields.type), shape: fields.shape, isFortranOrder: fields.isFortranOrder)
    return (header, start + length)
  }

  private static func element(code: String) throws -> ElementType {
    // The byte order of a one-byte type says nothing.
    let plain = code.hasSuffix("1") ? "|" + code.dropFirst() : code
    if let match = codes.first(where: { $0.1 == plain }) { return match.0 }
    var message = "got elements of the NumPy type \(JSON.shown(code)), expected one of \(codeList)"
    if code.hasSuffix("V2") { message += "; NumPy has no bfloat16: use a .safetensors file" }
    if code.hasPrefix(">") { message += "; convert big-endian arrays first" }
    throw HeedError(message)
  }

  /// The bytes before the elements of `array`: a multiple of 64.
  static func encode(_ array: NDArray) throws -> [UInt8] {
    guard let code = codes.first(where: { $0.0 == array.element })?.1 else {
      throw HeedError("got an array of \(array.element), expected a type that NumPy has; use a .safetensors file")
    }
    let extents = array.shape.map { "\($0)" }.joined(separator: ", ") + (array.shape.count == 1 ? "," : "")
    let text = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(extents)), }"
    let isLong = text.utf8.count + 11 + 63 > Int(UInt16.max)
    let start = isLong ? 12 : 10
    let padding = 63 - (start + text.utf8.count) % 64
    let length = text.utf8.count + padding + 1
    var bytes = magic + [isLong ? 2 : 1, 0]
    for byte in 0..<(start - 8) { bytes.append(UInt8(truncatingIfNeeded: length >> (8 * byte))) }
    return bytes + Array(text.utf8) + Array(repeating: 0x20, count: padding) + [0x0a]
  }
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, keys in any order.
private struct NumPyHeaderParser {
  let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func parse() throws -> (type: String, shape: [Int], isFortranOrder: Bool) {
    var (type, shape, isFortranOrder): (String?, [Int]?, Bool?)
    try expect("{")
    while !take("}") {
      let key = try parseString(expected: "a key in quotes")
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try parseType()
      case "shape" where shape == nil: shape = try parseShape()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try parseBool()
      default:
        throw HeedError("got the key \(JSON.shown(key)) in the .npy header, expected descr, fortran_order and shape, once each")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == bytes.count else { throw failure(expected: "its end") }
    guard let type, let shape, let isFortranOrder else {
      throw HeedError("got a .npy header without one of descr, fortran_order and shape")
    }
    return (type, shape, isFortranOrder)
  }

  private func failure(expected: String) -> HeedError {
    let got = position < bytes.count ? JSON.shown(String(Character(Unicode.Scalar(bytes[position])))) : "the end"
    return HeedError("got \(got) at byte \(position) of the .npy header, expected \(expected)")
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    guard take(character) else { throw failure(expected: "'\(character)'") }
  }

  private mutating func parseString(expected: String) throws -> String {
    skipSpace()
    guard position < bytes.count, [0x22, 0x27].contains(bytes[position]) else { throw failure(expected: expected) }
    let quote = bytes[position]
    let end = bytes[(position + 1)...].firstIndex { $0 == quote || $0 == 0x5c || $0 < 0x20 }
    guard let end, bytes[end] == quote else { throw failure(expected: "a string without escapes") }
    defer { position = end + 1 }
    return String(decoding: bytes[position + 1..<end], as: UTF8.self)
  }

  private mutating func parseType() throws -> String {
    skipSpace()
    guard position == bytes.count || bytes[position] != UInt8(ascii: "[") else {
      throw HeedError("got a structured NumPy type, expected an array of plain numbers")
    }
    return try parseString(expected: "a type in quotes")
  }

  private mutating func parseBool() throws -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)] where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw failure(expected: "True or False")
  }

  private mutating func parseShape() throws -> [Int] {
    try expect("(")
    var shape: [Int] = []
    while !take(")") {
      skipSpace()
      let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
      guard !digits.isEmpty else { throw failure(expected: "an extent") }
      guard let extent = Int(String(decoding: digits, as: UTF8.self)) else {
        throw HeedError("got an extent of \(digits.count) digits in the .npy header, expected one that fits 64 bits")
      }
      shape.append(extent)
      position = digits.endIndex
      if !take(",") {
        try expect(")")
        break
      }
    }
    return shape
  }
}

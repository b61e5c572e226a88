import HeedIR
internal import HeedSystem
package import OrderedCollections

/// A JSON value (RFC 8259), as configuration files, weight files and `heed embed` use it.
///
/// The parser is strict: duplicate keys, trailing text, invalid UTF-8, lone surrogates and nesting past `maximumDepth` are errors.
///
/// Foundation's parsers are not strict enough, as `JSONTests.foundationAccepts` shows. Of two equal keys, `JSONSerialization`
/// silently keeps the last and `JSONDecoder` the first. Both accept a comma before a closing bracket. `JSONSerialization` also
/// accepts UTF-16 and text after a zero byte. Neither keeps the text of numbers or the order of keys, and errors do not say where
/// they are.
package enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number as it was written.
  case number(String)
  case string(String)
  case array([JSON])
  /// Keys and values in the order in which they were written.
  case object(OrderedDictionary<String, JSON>)

  /// How deep arrays and objects may nest.
  package static let maximumDepth = 64

  /// Parses one JSON value that spans all of `text`.
  /// - Parameter key: where it is given, all but the string or number that this member of an object has is checked but not kept: other
  ///   members are null, and arrays are empty.
  /// - Throws: `HeedError`: what was got, what was expected, at which byte.
  package init(parsing text: some Sequence<UInt8>, keepingOnly key: String? = nil) throws {
    let bytes = Array(text)
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw HeedError("got bytes that are not UTF-8, expected JSON")
    }
    var parser = JSONParser(bytes: bytes, keepingOnly: key)
    self = try parser.parseDocument()
  }

  /// Parses the file at `path`.
  /// - Throws: `HeedError` that names the file.
  package init(file path: String) throws {
    let bytes = try FileBytes.read(path)
    do {
      try self.init(parsing: bytes)
    } catch let error as HeedError {
      throw error.during("reading \(path)")
    }
  }

  /// The value of `key` in an object; nil where there is none or this is not an object.
  package subscript(key: String) -> JSON? { members?[key] }

  /// What kind of value this is, for error messages: `a string`, `null`.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The text of a string.
  package var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  /// The value of a boolean.
  package var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The elements of an array.
  package var array: [JSON]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  /// The keys and values of an object.
  package var members: OrderedDictionary<String, JSON>? {
    guard case .object(let value) = self else { return nil }
    return value
  }

  /// The value of a number written as an integer that fits 64 bits.
  package var integer: Int? {
    guard case .number(let text) = self else { return nil }
    return Int(text)
  }

  /// The nearest double of a number.
  package var double: Double? {
    guard case .number(let text) = self else { return nil }
    return Double(text)
  }

  /// `text` as a JSON string, quotes included, on one line.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// `text` quoted for an error message: on one line, cut where it is long.
  package static func shown(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(80)
    return start.endIndex == text.unicodeScalars.endIndex ? quoted(text) : quoted(String(start)) + "..."
  }
}

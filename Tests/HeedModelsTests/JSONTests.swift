import Foundation
import HeedIR
import HeedModels
import Testing

@Suite struct JSONTests {
  @Test func parsesEveryKindOfValue() throws {
    let json = try JSON(parsing: " {\"a\" : [1, -2.5e+3, true , false, null], \"b\": {}, \"c\": []}\n".utf8)
    #expect(json["a"] == .array([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null]))
    #expect(json["a"]?.array?[1].double == -2500)
    #expect(json["a"]?.array?[0].integer == 1)
    #expect(json["a"]?.array?[1].integer == nil)
    #expect(json["b"]?.members == [:] && json["c"]?.array == [] && json["d"] == nil)
  }

  /// One member is kept, and all else is checked as strictly.
  @Test func keepsOneMember() throws {
    func parse(_ text: String) throws -> JSON { try JSON(parsing: text.utf8, keepingOnly: "text") }
    let json = try parse(#"{"a": [1, {"text": "inner"}], "text": "x\u0041\n", "b": {"text": "c"}, "d": "long"}"#)
    #expect(json["text"]?.string == "xA\n" && json["a"] == .null && json["b"] == .null && json["d"] == .null)
    #expect(json.members?.count == 4)
    #expect(try parse("[1, 2]").kind == "an array" && parse("\"s\"").string == "s" && parse("3").kind == "a number")
    #expect(
      try parse(#"{"text": ["a"]}"#)["text"]?.kind == "an array" && parse(#"{"text": {"a": 1}}"#)["text"]?.kind == "an object")
    for bad in [
      #"{"a": [1,], "text": "x"}"#, #"{"a": "\x"}"#, #"{"a": "\ud800"}"#, #"{"a": {"b": 1, "b": 2}}"#, #"{"text": "", "text": ""}"#,
      #"{"a": tru}"#,
    ] {
      func error(_ body: () throws -> JSON) -> String { do { return "got \(try body().kind)" } catch { return "\(error)" } }
      let expected = error { try JSON(parsing: bad.utf8) }
      #expect(expected != "got an object" && error { try parse(bad) } == expected, "\(bad)")
    }
  }

  @Test func stringsKeepTheirCodePoints() throws {
    let text = #""e\u0301 \u00e9 \ud83d\ude00 \"\\\/\b\f\n\r\t \u0000""#
    let scalars = try JSON(parsing: text.utf8).string?.unicodeScalars.map(\.value)
    let expected = "e\u{301} \u{e9} \u{1f600} \"\\/\u{8}\u{c}\n\r\t \u{0}"
    #expect(scalars == expected.unicodeScalars.map(\.value))
    #expect(try JSON(parsing: JSON.quoted(expected).utf8).string?.unicodeScalars.elementsEqual(expected.unicodeScalars) == true)
  }

  @Test(arguments: [
    ("", "got the end of the JSON text at byte 0, expected a JSON value"),
    ("{\"a\":1,}", "got '}' at byte 7 of the JSON text, expected a key in quotes"),
    ("[1 2]", "got '2' at byte 3 of the JSON text, expected ',' or ']'"),
    ("[1,]", "got ']' at byte 3 of the JSON text, expected a JSON value"),
    ("tru", "got 't' at byte 0 of the JSON text, expected true"),
    ("01", "got '1' at byte 1 of the JSON text, expected the end of the text"),
    ("-", "got the end of the JSON text at byte 1, expected a digit"),
    ("1.", "got the end of the JSON text at byte 2, expected a digit"),
    ("NaN", "got 'N' at byte 0 of the JSON text, expected a JSON value"),
    ("\"a", "got the end of the JSON text at byte 2, expected '\"'"),
    ("\"\n\"", "got byte 10 at byte 1 of the JSON text, expected no bare control character in a string"),
    ("\"\\x\"", "got 'x' at byte 2 of the JSON text, expected an escape"),
    ("\"\\u12g4\"", "got 'g' at byte 5 of the JSON text, expected four hexadecimal digits"),
    ("\"\\ud800\"", "got half of a surrogate pair at byte 1 of the JSON text, expected both halves"),
    ("\"\\udc00\\ud800\"", "got half of a surrogate pair at byte 1 of the JSON text, expected both halves"),
    ("\"\\ud800\\u0041\"", "got half of a surrogate pair at byte 1 of the JSON text, expected both halves"),
    ("{\"a\":1,\"a\":2}", "got the key \"a\" a second time at byte 7"),
  ])
  func rejects(text: String, expected: String) {
    #expect(message { try JSON(parsing: text.utf8) } == expected)
  }

  /// Why Foundation's parser does not do: it accepts these, and a weight file must not have two meanings.
  @Test(
    arguments: [
      Array("{\"a\":1,\"a\":2}".utf8), Array("[1,]".utf8), Array("{\"a\":1,}".utf8), Array("1\u{0}x".utf8), Array("\u{feff}1".utf8),
      "[1]".utf16.flatMap { [UInt8($0), 0] },
    ] as [[UInt8]])
  func foundationAccepts(bytes: [UInt8]) throws {
    #expect(throws: HeedError.self) { try JSON(parsing: bytes) }
    #expect(throws: Never.self) { _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) }
  }

  /// The same text has another value for each of Foundation's parsers.
  @Test func foundationDisagreesAboutDuplicateKeys() throws {
    let text = Data("{\"a\":1,\"a\":2}".utf8)
    #expect(try JSONSerialization.jsonObject(with: text) as? [String: Int] == ["a": 2])
    #expect(try JSONDecoder().decode([String: Int].self, from: text) == ["a": 1])
  }

  @Test func nestingHasALimit() throws {
    let depth = JSON.maximumDepth
    _ = try JSON(parsing: (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    #expect(message { try JSON(parsing: String(repeating: "[", count: depth + 1).utf8) }.contains("nested deeper"))
  }
}

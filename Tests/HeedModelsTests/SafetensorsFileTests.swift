import Foundation
import HeedArrays
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

@Suite struct SafetensorsFileTests {
  static func bytes(_ header: [UInt8], _ data: [UInt8] = []) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
  }

  static func bytes(_ header: String, _ dataCount: Int = 0) -> [UInt8] {
    bytes(Array(header.utf8), (0..<dataCount).map { UInt8(truncatingIfNeeded: $0) })
  }

  /// Opens a file of these bytes.
  static func open<Result>(_ bytes: [UInt8], _ body: (SafetensorsFile) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/a.safetensors"))
      return try body(SafetensorsFile(path: folder + "/a.safetensors"))
    }
  }

  static func tensor(_ name: String, _ type: String, _ shape: String, _ start: Int, _ end: Int) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
  }

  @Test func roundtrip() throws {
    let arrays: [(name: String, array: NDArray)] = try ElementType.allCases.enumerated().map { index, element in
      let array = try NDArray(zeros: element, [index, 3])
      for byte in array.storage.bytes.indices {
        array.storage.bytes[byte] = UInt8(truncatingIfNeeded: element == .bool ? byte % 2 : byte * 5)
      }
      return (name: "a \"\(element)\"\n\u{1f600}", array: array)
    }
    let scalar = try NDArray([7] as [Int64], [])
    try withTemporaryFolder { folder in
      try SafetensorsFile.write(
        arrays + [("scalar", scalar)], metadata: ["format": "pt", "k\t": "\u{1}"], to: folder + "/a.safetensors")
      let file = try SafetensorsFile(path: folder + "/a.safetensors")
      #expect(Set(file.names) == Set(arrays.map(\.name) + ["scalar"]))
      #expect(file.metadata == ["format": "pt", "k\t": "\u{1}"])
      for (name, array) in arrays {
        let back = try file.array(name)
        #expect(back.element == array.element && back.shape == array.shape)
        #expect(Array(back.bytes) == Array(array.bytes))
        #expect(file.entry(name)?.typeName == array.element.name.uppercased())
      }
      #expect(try file.array("scalar").values(as: Int64.self) == [7])
      for entry in file.entries {
        #expect(try Int(bitPattern: file.array(entry.name).bytes.baseAddress) % entry.element!.byteCount == 0)
      }
    }
  }

  @Test func sharesTheMappingAndKeepsItAlive() throws {
    let header = "{" + Self.tensor("a", "F32", "[1]", 0, 4) + "," + Self.tensor("b", "U8", "[1]", 4, 5) + "}"
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let (first, second) = try Self.open(Self.bytes(padded, 5)) { try ($0.array("a"), $0.array("a")) }
    #expect(first.bytes.baseAddress == second.bytes.baseAddress)
    #expect(first.values(as: Float.self)[0].bitPattern == 0x0302_0100)
  }

  /// The mapping is write-protected, and other arrays see it.
  @Test func aChangedArrayLeavesTheMapping() throws {
    let header = "{" + Self.tensor("a", "U8", "[2]", 0, 2) + "," + Self.tensor("b", "U8", "[1]", 2, 3) + "}"
    let arrays = try Self.open(Self.bytes(header, 3)) { try $0.arrays() }
    #expect(arrays.keys.sorted() == ["a", "b"])
    var a = try #require(arrays["a"])
    a[0] = 9
    #expect(try a.ints() == [9, 1])
    #expect(try arrays["a"]?.ints() == [0, 1])
  }

  @Test func copiesWhereTheFileIsNotAligned() throws {
    let header = "{" + Self.tensor("b", "U8", "[1]", 0, 1) + "," + Self.tensor("a", "F32", "[2]", 1, 9) + "}"
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let array = try Self.open(Self.bytes(padded, 9)) { try $0.array("a") }
    #expect(array.values(as: Float.self).map(\.bitPattern) == [0x0403_0201, 0x0807_0605])
  }

  @Test func anUnknownTypeIsAnErrorOnlyWhenAskedFor() throws {
    let header = "{" + Self.tensor("a", "F8_E4M3", "[4]", 0, 4) + "," + Self.tensor("b", "U8", "[1]", 4, 5) + "}"
    try Self.open(Self.bytes(header, 5)) { (file) throws in
      #expect(try file.array("b").values(as: UInt8.self) == [4])
      #expect(file.entry("a")?.element == nil)
      let text = message { try file.array("a") }
      #expect(text.hasSuffix("tensor \"a\": got the element type \"F8_E4M3\", expected one of F64 F32 F16 BF16 I64 I32 I8 U8 BOOL"))
      #expect(message { try file.array("c") }.hasSuffix("got no tensor \"c\" among the 2 of the file"))
    }
  }

  @Test func aBooleanIsZeroOrOne() throws {
    try Self.open(Self.bytes("{" + Self.tensor("a", "BOOL", "[3]", 0, 3) + "}", 3)) { file in
      #expect(message { try file.array("a") }.hasSuffix("got the byte 2 in element 2 of an array of bool, expected 0 or 1"))
    }
  }

  @Test func emptyFilesAndTensors() throws {
    #expect(try Self.open(Self.bytes("{}")) { $0.names } == [])
    let header = "{" + Self.tensor("a", "F32", "[0,5]", 0, 0) + "," + Self.tensor("b", "F64", "[0]", 0, 0) + "}"
    #expect(try Self.open(Self.bytes(header)) { try $0.array("a").shape } == [0, 5])
  }

  @Test(
    arguments: [
      ([], "got a file of 0 bytes, expected a safetensors header"),
      ([1, 2, 3], "got a file of 3 bytes, expected a safetensors header"),
      ([3, 0, 0, 0, 0, 0, 0, 0, 123, 125], "got a safetensors header of 3 bytes, expected at most 2"),
      ([UInt8](repeating: 255, count: 16), "got a safetensors header of 18446744073709551615 bytes, expected at most 8"),
      (bytes([0xff, 0xfe]), "safetensors header: got bytes that are not UTF-8"),
      (bytes("[]"), "got an array as safetensors header, expected an object"),
      (bytes("{} x"), "expected the end of the text"),
      (bytes(String(repeating: "[", count: 100_000)), "nested deeper than 64 levels"),
      (bytes("{\"a\":" + String(repeating: "{\"a\":", count: 1000)), "nested deeper than 64 levels"),
      (bytes("{\"a\":3}"), "\"a\": got a number, expected an object"),
      (bytes("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}"), "got no proper data_offsets"),
      (bytes("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}"), "got no proper shape"),
      (bytes("{\"a\":{\"shape\":[],\"data_offsets\":[0,0]}}"), "got no dtype"),
      (bytes("{\"a\":{\"more\":1}}"), "got the key \"more\""),
      (bytes("{\"__metadata__\":{\"a\":1}}"), "\"__metadata__\": got a number, expected an object of strings"),
      (bytes("{\"__metadata__\":[]}"), "\"__metadata__\": got an array, expected an object of strings"),
      (
        bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "}", 3),
        "got data_offsets [0, 4], expected a range within the 3 bytes of data"
      ),
      (bytes("{" + tensor("a", "F32", "[1]", 4, 0) + "}", 4), "got data_offsets [4, 0], expected a range"),
      (bytes("{" + tensor("a", "F32", "[1]", -4, 0) + "}", 4), "got no proper data_offsets"),
      (bytes("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 4), "got no proper data_offsets"),
      (bytes("{" + tensor("a", "F32", "[-1]", 0, 4) + "}", 4), "got no proper shape"),
      (bytes("{" + tensor("a", "F32", "[99999999999999999999]", 0, 4) + "}", 4), "got no proper shape"),
      (bytes("{" + tensor("a", "F32", "[4611686018427387904,4]", 0, 4) + "}", 4), "has more elements than 64 bits count"),
      (bytes("{" + tensor("a", "F32", "[4611686018427387904]", 0, 4) + "}", 4), "has more bytes than 64 bits count"),
      (bytes("{" + tensor("a", "F32", "[2]", 0, 4) + "}", 4), "got 4 bytes of data, expected 8 for F32 of shape [2]"),
      (
        bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "," + tensor("a", "F32", "[1]", 4, 8) + "}", 8),
        "got the key \"a\" a second time"
      ),
      (
        bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "," + tensor("b", "F32", "[1]", 2, 6) + "}", 6),
        "\"b\": got data that overlaps another tensor's, expected it at offset 4"
      ),
      (
        bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "," + tensor("b", "F32", "[1]", 8, 12) + "}", 12),
        "\"b\": got a hole of 4 bytes before its data, expected it at offset 4"
      ),
      (bytes("{" + tensor("a", "F32", "[1]", 0, 4) + "}", 6), "got 6 bytes of data after the safetensors header, expected 4"),
      (bytes("{" + tensor("a\\n", "F32", "[2]", 0, 4) + "}", 4), "safetensors header: \"a\\n\": got 4 bytes"),
    ] as [([UInt8], String)])
  func rejects(bytes: [UInt8], part: String) {
    let text = message { try Self.open(bytes) { _ in } }
    #expect(text.hasPrefix("reading ") && text.contains(part), "\(text)")
  }

  @Test func namesTheFile() throws {
    #expect(message { try SafetensorsFile(path: "/nowhere/a") } == "opening /nowhere/a: No such file or directory")
    try withTemporaryFolder { folder in
      #expect(message { try SafetensorsFile(path: folder) }.hasSuffix("got a folder, expected a file"))
    }
    let array = try NDArray([1] as [Float], [1])
    #expect(
      message { try SafetensorsFile.write([("a", array), ("a", array)], to: "/nowhere/a") }
        == "writing /nowhere/a: got an array called \"a\", expected a name of its own")
    #expect(
      message { try SafetensorsFile.write([("a", array)], to: "/nowhere/a") }
        == "creating a file beside /nowhere/a: No such file or directory")
  }
}

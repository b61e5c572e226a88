import HeedArrays
import HeedData
import HeedIR
import Testing

@Suite struct TableTests {
  private let flowers = "length,width,species\n1.5,2,setosa\n-3e1,,virginica\n0.25,7,setosa\n"

  @Test func columnsOfCSV() throws {
    try withFile(flowers.utf8) { path in
      let table = try Table(csv: path)
      #expect(table.columns == ["length", "width", "species"] && table.count == 3)
      #expect(try table.texts("species") == ["setosa", "virginica", "setosa"])
      #expect(try table.numbers("length") == [1.5, -30, 0.25])
      let array = try table.array(["width", "length"], missing: -1)
      #expect(array.shape == [3, 2] && array.element == .f32)
      #expect(array.values(as: Float.self) == [2, 1.5, -1, -30, 7, 0.25])
      let labels = try table.labels("species")
      #expect(labels.classes == ["setosa", "virginica"] && labels.ids.values(as: Int32.self) == [0, 1, 0])
      #expect(try table.labels("species", classes: ["virginica", "setosa"]).ids.values(as: Int32.self) == [1, 0, 1])
    }
  }

  @Test func aFileWithoutHeader() throws {
    try withFile("1;a\n2;b\n".utf8) { path in
      let table = try Table(csv: path, separator: ";", columns: ["number", "text"])
      #expect(try table.integers("number") == [1, 2])
      #expect(try table.texts("text") == ["a", "b"])
      #expect(
        headline { try Table(csv: path, separator: ";", columns: ["a"]) }
          == "\(path):1: error: got 2 fields, expected 1, one per column")
    }
  }

  @Test func columnsOfJSONLines() throws {
    let text = "{\"text\": \"a\\nb\", \"label\": 3}\n{\"label\": 4, \"text\": \"\"}\n"
    try withFile(text.utf8) { path in
      let table = try Table(jsonLines: path)
      #expect(table.columns == ["text", "label"])
      #expect(try table.texts("text") == ["a\nb", ""])
      #expect(try table.integers("label") == [3, 4])
      #expect(try table.labels("label").classes == ["3", "4"])
      #expect(try Table(jsonLines: path, columns: ["label"]).columns == ["label"])
    }
    try withFile("{\"ids\": [1, -2]}\n{\"ids\": []}\n{\"ids\": [3, 4294967296]}".utf8) { path in
      #expect(
        headline { try Table(jsonLines: path).sequences("ids") }
          == "\(path):3: error: column \"ids\": got an array, expected a list of integers of 32 bits")
    }
    try withFile("{\"ids\": [1, -2]}\n{\"ids\": []}\n".utf8) { path in
      let table = try Table(jsonLines: path)
      #expect(try table.sequences("ids") == [[1, -2], []])
    }
  }

  @Test(arguments: [
    ("{\"a\": 1}\n[1]\n", "FILE:2: error: got an array, expected an object"),
    ("{\"a\": 1}\n\n", "FILE:2: error: got the end of the JSON text at byte 0, expected a JSON value"),
    ("{\"a\": 1}\n{\"b\": 1}\n", "FILE:2: error: got an object without \"a\""),
    (
      "{\"a\": 1}\n{\"a\": 1, \"b\": 1}\n",
      "FILE:2: error: got \"b\", which the first object lacks; name the columns to read to skip it"
    ),
    ("{\"a\": 1}\n{\"a\": \"1\"}\n", "FILE:2: error: column \"a\": got \"1\", expected a number"),
    ("{\"a\": 1}\n{\"a\": null}\n", "FILE:2: error: column \"a\": got null, expected a number"),
    ("{\"a\": {}}\n", "FILE:1: error: column \"a\": got an object, expected a number"),
  ])
  func rejectsJSONLines(text: String, expected: String) throws {
    #expect(headline(reading: text.utf8) { try Table(jsonLines: $0).numbers("a") } == expected)
  }

  @Test(arguments: [
    ("", "FILE:1: error: got an empty file, expected a header"),
    ("a,a\n", "FILE:1: error: got two columns called \"a\""),
    ("b\n1\n", "error: reading FILE: got no column \"a\", expected one of \"b\""),
    ("a\n1\n\"2\"\nx\n", "FILE:4: error: column \"a\": got \"x\", expected a number"),
    ("b,a\n1,\n", "FILE:2: error: column \"a\": got \"\", expected a number"),
  ])
  func rejectsCSV(text: String, expected: String) throws {
    #expect(headline(reading: text.utf8) { try Table(csv: $0).numbers("a") } == expected)
  }

  @Test func anEmptyFileHasNoColumns() {
    let got = headline(reading: []) { try Table(jsonLines: $0).texts("a") }
    #expect(got == "error: reading FILE: got no column \"a\", expected a file with rows")
  }

  @Test func rejectsUnknownClasses() throws {
    try withFile(flowers.utf8) { path in
      let table = try Table(csv: path)
      #expect(
        headline { try table.labels("species", classes: ["setosa"]) }
          == "\(path):3: error: column \"species\": got \"virginica\", expected one of \"setosa\"")
      #expect(
        headline { try table.integers("length") }
          == "\(path):2: error: column \"length\": got \"1.5\", expected an integer of 64 bits")
      #expect(
        headline { try table.array(["length"], as: .i32) }
          == "error: got the element type i32 for numbers of a table, expected a float type")
    }
  }

  @Test func linesOfText() throws {
    #expect(try withFile("a\r\n\nb".utf8) { try TextFile.lines($0) } == ["a", "", "b"])
    #expect(try withFile("a\nä".utf8) { try TextFile.read($0) } == "a\nä")
    let bytes: [UInt8] = [0x61, 0x0a, 0xff, 0x0a]
    #expect(headline(reading: bytes) { try TextFile.lines($0) } == "FILE:2: error: got bytes that are not UTF-8, expected text")
    #expect(headline(reading: bytes) { try TextFile.read($0) } == "FILE:2: error: got bytes that are not UTF-8, expected text")
  }
}

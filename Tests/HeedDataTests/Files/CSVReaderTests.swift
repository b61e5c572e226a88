import HeedData
import HeedIR
import HeedTestSupport
import Testing

@Suite struct CSVReaderTests {
  private func records(_ text: some Sequence<UInt8>, separator: Character = ",") throws -> [[String]] {
    try withFile(text) { try records(of: $0, separator: separator) }
  }

  private func records(of path: String, separator: Character = ",") throws -> [[String]] {
    let reader = try CSVReader(path: path, separator: separator)
    var records: [[String]] = []
    while let record = try reader.next() { records.append(record) }
    return records
  }

  @Test func fieldsAreKeptAsTheyStand() throws {
    #expect(try records("a,b\n1,2\n".utf8) == [["a", "b"], ["1", "2"]])
    #expect(try records(" a ,\n,".utf8) == [[" a ", ""], ["", ""]])
    #expect(try records("a,b\r\n1,\"2\"\r\n".utf8) == [["a", "b"], ["1", "2"]])
    #expect(try records("\"a\"\"b\",\"c,d\"\n\"\n\r\n\",\"\"\n".utf8) == [["a\"b", "c,d"], ["\n\r\n", ""]])
    #expect(try records("\u{feff}a;ä\n\"\u{301}\";b".utf8, separator: ";") == [["a", "ä"], ["\u{301}", "b"]])
    #expect(try records("".utf8) == [])
    #expect(try records("\n\n".utf8) == [[""], [""]])
  }

  @Test func linesOfRecords() throws {
    try withFile("a\n\"b\nc\"\nd\n".utf8) { path in
      let reader = try CSVReader(path: path)
      var lines: [Int] = []
      while try reader.next() != nil { lines.append(reader.line) }
      #expect(lines == [1, 2, 4])
    }
  }

  @Test func writtenTablesComeBack() throws {
    var generator = SeededGenerator(seed: 1)
    let parts = ["a", "\"", ",", "\n", "\r\n", "\r", " ", "é", "\u{301}", "", "\u{0}", "'", "1.5", "🙂"]
    for _ in 0..<200 {
      let (rows, columns) = (Int.random(in: 1...5, using: &generator), Int.random(in: 1...4, using: &generator))
      let table = (0..<rows).map { _ in
        (0..<columns).map { _ in (0..<Int.random(in: 0...4, using: &generator)).map { _ in generator.pick(parts) }.joined() }
      }
      let end = generator.pick(["\n", "\r\n"])
      let text = table.map { row in
        row.map { field in
          let mustQuote = field.unicodeScalars.contains { "\",\n\r".unicodeScalars.contains($0) } || columns == 1
          guard mustQuote || Bool.random(using: &generator) else { return field }
          return "\"" + String(String.UnicodeScalarView(field.unicodeScalars.flatMap { $0 == "\"" ? [$0, $0] : [$0] })) + "\""
        }.joined(separator: ",")
      }.joined(separator: end)
      let last = Bool.random(using: &generator) ? end : ""
      #expect(try records((text + last).utf8) == table, "\(text.debugDescription)")
    }
  }

  @Test(arguments: [
    ("a,b\n1\n", "FILE:2: error: got 1 field, expected 2 as in the first record"),
    ("a,b\n\n", "FILE:2: error: got an empty line, expected 2 as in the first record"),
    ("a,b\n1,2,\n", "FILE:2: error: got 3 fields, expected 2 as in the first record"),
    ("a\nx\"y\"\n", "FILE:2:2: error: got a quote inside a field, expected quotes around all of it or none"),
    ("é,\"b\" \n", "FILE:1:6: error: got \" \" after a quoted field, expected the separator or the end of the line"),
    ("a,\"b\nc\"d", "FILE:2:3: error: got \"d\" after a quoted field, expected the separator or the end of the line"),
    ("a\n1,\"b\nc", "FILE:2:3: error: got the end of the file in the quoted field that begins here, expected a closing quote"),
    ("a\rb\n", "FILE:1:2: error: got a carriage return inside a field without quotes, expected it before a line feed"),
    ("\"a\"\rb\n", "FILE:1:4: error: got a carriage return inside a field without quotes, expected it before a line feed"),
  ])
  func rejects(text: String, expected: String) throws {
    let got = headline(reading: text.utf8) { path in
      let reader = try CSVReader(path: path)
      while try reader.next() != nil {}
    }
    #expect(got == expected)
  }

  @Test func rejectsWhatIsNotText() throws {
    for bytes in [[0x61, 0xff], [0x22, 0xff, 0x22]] as [[UInt8]] {
      let got = headline(reading: bytes) { try CSVReader(path: $0).next() }
      #expect(got.hasSuffix("error: got bytes that are not UTF-8, expected text") && got.hasPrefix("FILE:1:"))
    }
    #expect(headline { try CSVReader(path: "/nonexistent") } == "error: opening /nonexistent: No such file or directory")
    #expect(
      headline { try CSVReader(path: "/dev/null", separator: "\"") }
        == "error: got the separator \"\\\"\", expected an ASCII character such as \",\"")
  }

  /// A file without end and without lines must not fill the memory.
  @Test func linesWithoutEnd() {
    #expect(
      headline { try CSVReader(path: "/dev/zero").next() } == "error: reading /dev/zero: got a line of more than 67108864 bytes")
  }

  @Test func damagedFilesNeverTrap() throws {
    var generator = SeededGenerator(seed: 2)
    let text = Array("a,\"b\nb\",c\r\n\"1\"\"\",,\"\"\r\né,\"\r\n\",3\n".utf8)
    for _ in 0..<500 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let isSyntax = Bool.random(using: &generator)
        bytes[place] = isSyntax ? generator.pick(Array("\",\n\r".utf8)) : UInt8.random(in: 0...255, using: &generator)
      }
      do {
        for record in try records(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator))) { #expect(!record.isEmpty) }
      } catch { #expect(error is HeedError) }
    }
  }
}

internal import HeedIR
internal import HeedModels
internal import HeedSystem

/// The records of a CSV file (RFC 4180), read one after another: memory does not grow with the file.
///
/// A record ends with LF or CRLF. Fields may stand in quotes, and then hold separators, line ends and doubled quotes. Blanks belong
/// to the field. All records must have as many fields as the first. A byte order mark at the start is skipped.
///
/// The reader is strict, since a file that is read wrongly trains a wrong model. The package SwiftCSV (0.10) drops an empty last field at
/// the end of the file, strips blanks before a field, fills up records that are too short, and accepts a quote that is never closed.
/// It reads the whole file first, and its errors do not say where they are.
public final class CSVReader {
  /// The path of the file.
  public let path: String
  /// The line, counted from 1, on which the record begins that `next` returned last.
  public private(set) var line = 0

  private let lines: LineReader
  private let separator: UInt8
  private var fieldCount: Int?
  private var lineNumber = 0
  /// The bytes of the record, the place in them, and where the last of its lines begins.
  private var record: [UInt8] = []
  private var (position, lineStart) = (0, 0)

  private static let (quote, carriageReturn) = (UInt8(ascii: "\""), UInt8(ascii: "\r"))

  /// Opens the file at `path`.
  /// - Parameter separator: what stands between fields, an ASCII character such as `,`, `;` or a tab.
  /// - Throws: `HeedError` where the file cannot be opened or the separator cannot be one.
  public init(path: String, separator: Character = ",") throws {
    guard let byte = separator.asciiValue, ![Self.quote, Self.carriageReturn, UInt8(ascii: "\n")].contains(byte) else {
      throw HeedError("got the separator \(JSON.shown(String(separator))), expected an ASCII character such as \",\"")
    }
    (self.path, self.separator) = (path, byte)
    lines = try LineReader(path, byteLimit: TextFile.lineLimit)
  }

  /// The fields of the next record; nil after the last.
  /// - Throws: `HeedError` with file, line and column: what was got and what was expected.
  public func next() throws -> [String]? {
    guard let first = try lines.next() else { return nil }
    lineNumber += 1
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    (record, line) = (lineNumber == 1 && first.starts(with: mark) ? Array(first.dropFirst(3)) : first, lineNumber)
    (position, lineStart) = (0, 0)
    var fields = [try field()]
    while position < record.count {
      position += 1
      fields.append(try field())
    }
    let expected = fieldCount ?? fields.count
    guard fields.count == expected else {
      throw HeedError(
        "got \(counted(fields.count)), expected \(expected) as in the first record", at: SourceLocation(file: path, line: line))
    }
    fieldCount = expected
    return fields
  }

  private func counted(_ count: Int) -> String { count == 1 ? record.isEmpty ? "an empty line" : "1 field" : "\(count) fields" }

  /// Reads a field; the place is then at the separator behind it or at the end of the record.
  private func field() throws -> String {
    guard position < record.count, record[position] == Self.quote else {
      let start = position
      while position < record.count, record[position] != separator {
        if record[position] == Self.quote { throw failure("got a quote inside a field, expected quotes around all of it or none") }
        if try takeEnd() { return try TextFile.text(record[start..<record.count - 1], at: place) }
        position += 1
      }
      return try TextFile.text(record[start..<position], at: place)
    }
    let text = try quotedField()
    guard try position == record.count || record[position] == separator || takeEnd() else {
      throw failure("got \(JSON.shown(character)) after a quoted field, expected the separator or the end of the line")
    }
    return text
  }

  /// Whether the place is at the carriage return of a line's end, which is skipped.
  private func takeEnd() throws -> Bool {
    guard record[position] == Self.carriageReturn else { return false }
    guard position == record.count - 1 else {
      throw failure("got a carriage return inside a field without quotes, expected it before a line feed")
    }
    position += 1
    return true
  }

  /// Reads a field in quotes, and the lines that it goes on for.
  private func quotedField() throws -> String {
    let start = place
    position += 1
    var bytes: [UInt8] = []
    while true {
      guard let end = record[position...].firstIndex(of: Self.quote) else {
        bytes += record[position...]
        try readOn(start)
        bytes.append(UInt8(ascii: "\n"))
        continue
      }
      bytes += record[position..<end]
      position = end + 1
      guard position < record.count, record[position] == Self.quote else { return try TextFile.text(bytes[...], at: start) }
      bytes.append(Self.quote)
      position += 1
    }
  }

  /// Appends the next line of a record whose quoted field began at `start`.
  private func readOn(_ start: SourceLocation) throws {
    guard let next = try lines.next() else {
      throw HeedError("got the end of the file in the quoted field that begins here, expected a closing quote", at: start)
    }
    guard record.count + next.count < TextFile.lineLimit else {
      throw HeedError("got a quoted field of more than \(TextFile.lineLimit) bytes that begins here", at: start)
    }
    lineNumber += 1
    record.append(UInt8(ascii: "\n"))
    lineStart = record.count
    position = record.count
    record += next
  }

  private var place: SourceLocation {
    let before = String(decoding: record[lineStart..<max(lineStart, position)], as: UTF8.self)
    return SourceLocation(file: path, line: lineNumber, column: before.count + 1)
  }

  private var character: String { String(decoding: record[position...].prefix(4), as: UTF8.self).prefix(1).description }

  private func failure(_ message: String) -> HeedError { HeedError(message, at: place) }
}

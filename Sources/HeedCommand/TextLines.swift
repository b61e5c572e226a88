import Heed

/// Texts from JSON lines, some at a time.
struct TextLines {
  private let lines: LineReader
  private let file: String
  private var number = 0

  /// How much text is taken at a time: so many lines, or so many bytes and the line that goes past them.
  private static let (mostLines, mostBytes) = (4096, 1 << 20)

  /// Opens the file at `path`, or standard input where that is nil.
  init(_ path: String?) throws {
    lines = try LineReader(path)
    file = path ?? "<stdin>"
  }

  /// The next texts; none at the end.
  /// - Throws: where the file cannot be read, or a line is not an object with a text; the error names the line.
  mutating func next() throws -> [String] {
    var texts: [String] = []
    var byteCount = 0
    while texts.count < Self.mostLines, byteCount < Self.mostBytes, let line = try lines.next() {
      number += 1
      byteCount += line.count
      do {
        texts.append(try Self.text(line))
      } catch let error as HeedError {
        throw HeedError(error.message, at: SourceLocation(file: file, line: number))
      }
    }
    return texts
  }

  private static func text(_ line: [UInt8]) throws -> String {
    let value = try JSON(parsing: line)
    guard value.members != nil else { throw HeedError("got \(value.kind), expected an object with a \"text\"") }
    guard let text = value["text"] else { throw HeedError("got an object without \"text\"") }
    guard let string = text.string else { throw HeedError("got \(text.kind) as \"text\", expected a string") }
    return string
  }
}

import Heed

/// Texts from JSON lines, one by one.
struct TextLines {
  private let lines: LineReader
  private let file: String
  private var number = 0
  /// Texts that were read before they were asked for, the next one last.
  private var ahead: [String] = []

  /// How much is read ahead.
  private static let (mostLines, mostBytes) = (4096, 1 << 20)

  /// Opens the file at `path`, or standard input where that is nil.
  init(_ path: String?) throws {
    lines = try LineReader(path)
    file = path ?? "<stdin>"
  }

  /// The share of the file that was returned; nil where that is not known.
  var share: Double? { ahead.isEmpty ? lines.share : nil }

  /// Whether more can be read without waiting for whoever writes the file.
  var isReady: Bool { !ahead.isEmpty || lines.isReady }

  /// Reads the first lines, so that a mistake in them is found before other work is begun.
  /// - Throws: as `next` does.
  mutating func readAhead() throws {
    var (texts, byteCount): ([String], Int) = ([], 0)
    while texts.count < Self.mostLines, byteCount < Self.mostBytes, texts.isEmpty || lines.isReady, let text = try read() {
      byteCount += text.utf8.count
      texts.append(text)
    }
    ahead = texts.reversed()
  }

  /// The next text; nil at the end.
  /// - Throws: where the file cannot be read, or a line is not an object with a text; the error names the line.
  mutating func next() throws -> String? { try ahead.popLast() ?? read() }

  private mutating func read() throws -> String? {
    guard let line = try lines.next() else { return nil }
    number += 1
    do {
      return try Self.text(line)
    } catch let error as HeedError {
      throw HeedError(error.message, at: SourceLocation(file: file, line: number))
    }
  }

  private static func text(_ line: [UInt8]) throws -> String {
    let value = try JSON(parsing: line, keepingOnly: "text")
    guard value.members != nil else { throw HeedError("got \(value.kind), expected an object with a \"text\"") }
    guard let text = value["text"] else { throw HeedError("got an object without \"text\"") }
    guard let string = text.string else { throw HeedError("got \(text.kind) as \"text\", expected a string") }
    return string
  }
}

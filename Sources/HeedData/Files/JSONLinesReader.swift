internal import HeedIR
package import HeedModels
internal import HeedSystem

/// The objects of a JSONL file, one per line, read one after another.
package final class JSONLinesReader {
  /// The path of the file.
  package let path: String
  /// The line, counted from 1, of the object that `next` returned last.
  package private(set) var line = 0
  private let lines: LineReader

  /// Opens the file at `path`.
  /// - Throws: `HeedError` where it cannot be opened.
  package init(path: String) throws {
    self.path = path
    lines = try LineReader(path, byteLimit: TextFile.lineLimit)
  }

  /// The next object; nil after the last line.
  /// - Throws: `HeedError` with file and line, where a line is not an object in JSON.
  package func next() throws -> JSON? {
    guard let bytes = try lines.next() else { return nil }
    line += 1
    let place = SourceLocation(file: path, line: line)
    do {
      let value = try JSON(parsing: bytes)
      guard value.members != nil else { throw HeedError("got \(value.kind), expected an object") }
      return value
    } catch let error as HeedError {
      throw HeedError(error.message, at: place)
    }
  }
}

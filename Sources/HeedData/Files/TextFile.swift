internal import HeedIR
internal import HeedSystem

/// Plain text files, in UTF-8.
public enum TextFile {
  /// The greatest length of a line, and of a record of a CSV file, in bytes.
  static let lineLimit = 1 << 26

  /// The whole file at `path`.
  /// - Throws: `HeedError` that names the file, where it cannot be read; also the line, where one is not UTF-8.
  public static func read(_ path: String) throws -> String {
    let bytes = try FileBytes.read(path)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      _ = try text(line, at: SourceLocation(file: path, line: index + 1))
    }
    return try text(bytes[...], at: SourceLocation(file: path, line: 1))
  }

  /// The lines of the file at `path`, without their ends (LF or CRLF). A line feed at the end of the file begins no line.
  /// - Throws: `HeedError` that names the file, where it cannot be read; also the line, where one is not UTF-8.
  public static func lines(_ path: String) throws -> [String] {
    let reader = try LineReader(path, byteLimit: lineLimit)
    var lines: [String] = []
    while var bytes = try reader.next() {
      if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
      lines.append(try text(bytes[...], at: SourceLocation(file: path, line: lines.count + 1)))
    }
    return lines
  }

  /// `bytes` as text.
  /// - Throws: `HeedError` at `place` where they are not UTF-8.
  static func text(_ bytes: ArraySlice<UInt8>, at place: @autoclosure () -> SourceLocation) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw HeedError("got bytes that are not UTF-8, expected text", at: place())
    }
    return text
  }
}

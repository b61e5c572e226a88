/// A place in a text: line and column count from 1; the column counts characters.
public struct SourceLocation: Hashable, Sendable {
  /// The file, as the user named it.
  public var file: String
  /// The line, counted from 1.
  public var line: Int
  /// The column, counted from 1; 0 where only the line is known.
  public var column: Int

  /// A place in a file.
  public init(file: String, line: Int, column: Int = 0) {
    (self.file, self.line, self.column) = (file, line, column)
  }
}

/// An error that the user can correct, in one line: what was got, what was expected, and where.
public struct HeedError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was got and what was expected.
  public var message: String
  /// Where in a text the error is; nil where it is not about a text.
  public var location: SourceLocation?
  /// The line of text that `location` points into, for the caret.
  public var sourceLine: String?

  /// An error with this message.
  public init(_ message: String, at location: SourceLocation? = nil, sourceLine: String? = nil) {
    (self.message, self.location, self.sourceLine) = (message, location, sourceLine)
  }

  /// The same error with `context` before its message: `reading model.safetensors: ...`.
  public func during(_ context: String) -> HeedError {
    var copy = self
    copy.message = "\(context): \(message)"
    return copy
  }

  /// The same error at `place`, where it has no place yet.
  package func located(at place: SourceLocation?) -> HeedError {
    guard location == nil else { return self }
    return HeedError(message, at: place)
  }

  /// `file:line:column: error: message`, or `error: message` where no place is known. A message of more than 2000 bytes is cut.
  public var headline: String {
    guard let location else { return "error: \(shortened)" }
    let column = location.column > 0 ? ":\(location.column)" : ""
    return "\(location.file):\(location.line)\(column): error: \(shortened)"
  }

  /// The message, cut where no one would read on.
  private var shortened: String { message.utf8.count <= 2000 ? message : message.prefix(1900) + " ..." }

  /// The headline and, where the source line is known, that line and a caret under the column.
  public var description: String {
    guard let location, let sourceLine, location.column > 0 else { return headline }
    let caret = String(repeating: " ", count: location.column - 1) + "^"
    return "\(headline)\n\(sourceLine)\n\(caret)"
  }
}

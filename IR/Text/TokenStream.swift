/// The tokens of a text for a recursive-descent parser, with errors that point at places.
package struct TokenStream {
  private let tokens: [Token]
  private let lines: [Substring]
  private var position = 0
  private var depth = 0

  /// The tokens of `text`, the first of them next.
  /// - Parameter file: what errors call the text.
  /// - Throws: at a character that IR text cannot have.
  package init(_ text: String, file: String = "<text>") throws {
    lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    var lexer = Lexer(text, file: file)
    var tokens: [Token] = []
    do {
      repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
    } catch let error as HeedError {
      throw Self.locate(error, in: lines)
    }
    self.tokens = tokens
  }

  private static func locate(_ error: HeedError, in lines: [Substring]) -> HeedError {
    guard let location = error.location, error.sourceLine == nil, location.line <= lines.count else { return error }
    let line = lines[location.line - 1]
    // A line that no one can read is not shown.
    return HeedError(error.message, at: location, sourceLine: line.count <= 400 ? String(line) : nil)
  }

  /// The next token.
  package var current: Token { tokens[position] }
  /// The token `ahead` places after the next one; the end where there are fewer.
  package func peek(_ ahead: Int = 1) -> Token { tokens[min(position + ahead, tokens.count - 1)] }
  /// True where no token is left.
  package var isAtEnd: Bool { current.kind == .end }

  /// An error at `token`, or at the next one.
  package func error(_ message: String, at token: Token? = nil) -> HeedError {
    Self.locate(HeedError(message, at: (token ?? current).location), in: lines)
  }

  /// The error that the next token is not what was expected.
  package func unexpected(_ expected: String) -> HeedError { error("got \(current.spelling), expected \(expected)") }

  /// Takes the next token.
  @discardableResult
  package mutating func advance() -> Token {
    defer { if position < tokens.count - 1 { position += 1 } }
    return current
  }

  /// True where the punctuation or word `text` is next.
  package func isAt(_ text: String) -> Bool { (current.kind == .punctuation || current.kind == .word) && current.text == text }

  /// Takes the punctuation or word `text` where it is next.
  package mutating func take(_ text: String) -> Bool {
    guard isAt(text) else { return false }
    advance()
    return true
  }

  /// Takes the punctuation or word `text`.
  /// - Throws: where another token is next.
  package mutating func expect(_ text: String) throws {
    guard take(text) else { throw unexpected("'\(text)'") }
  }

  /// Takes a token of `kind`, called `description` in the error.
  package mutating func expect(_ kind: Token.Kind, _ description: String) throws -> Token {
    guard current.kind == kind else { throw unexpected(description) }
    return advance()
  }

  /// Takes an integer of 64 bits, with its sign.
  /// - Throws: where another token is next, or the number does not fit.
  package mutating func integer() throws -> Int {
    let negative = take("-")
    let token = try expect(.integer, "an integer")
    guard let value = Int((negative ? "-" : "") + token.text) else {
      throw error("got \(token.text), expected an integer of 64 bits", at: token)
    }
    return value
  }

  /// True where a literal is next.
  package var isAtLiteral: Bool {
    switch (current.kind, current.text) {
    case (.integer, _), (.real, _), (.punctuation, "-"): true
    case (.word, "inf"), (.word, "nan"), (.word, "true"), (.word, "false"): true
    default: false
    }
  }

  /// A number: `3`, `-0.5`, `1e-6`, `inf`, `-inf`, `nan`, `true`, `false`.
  package mutating func literal() throws -> Literal {
    let negative = take("-")
    let token = current
    let value: Literal?
    switch (token.kind, token.text) {
    case (.integer, _): value = Int64((negative ? "-" : "") + token.text).map(Literal.init)
    case (.real, _): value = Double((negative ? "-" : "") + token.text).flatMap { $0.isFinite ? Literal($0) : nil }
    case (.word, "inf"): value = Literal(negative ? -Double.infinity : .infinity)
    case (.word, "nan"): value = Literal(Double.nan)
    case (.word, "true") where !negative, (.word, "false") where !negative: value = Literal(token.text == "true")
    default: throw unexpected("a number")
    }
    guard let value else { throw error("got \(token.text), expected a number of 64 bits") }
    advance()
    return value
  }

  /// Runs `body` one level deeper; text that nests without end is an error, not a full stack.
  package mutating func nested<Result>(_ body: (inout TokenStream) throws -> Result) throws -> Result {
    guard depth < 100 else { throw error("got text nested more than 100 levels deep, expected less") }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  /// Items read by `item`, with commas between, up to `close`, which is taken.
  package mutating func list(until close: String, _ item: (inout TokenStream) throws -> Void) throws {
    if take(close) { return }
    repeat { try item(&self) } while take(",")
    guard take(close) else { throw unexpected("',' or '\(close)'") }
  }
}

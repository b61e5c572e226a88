/// A token of IR text.
public struct Token: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// A bare word: `graph`, `f32`, `B`, `inf`.
    case word
    /// `%name`; the text is the name.
    case value
    /// `@name`; the text is the name.
    case symbol
    case integer
    /// A number with a point or an exponent.
    case real
    /// A quoted string; the text is what it says.
    case string
    case punctuation
    case end
  }

  public var kind: Kind
  public var text: String
  public var location: SourceLocation

  /// The token as an error message names it.
  var spelling: String {
    switch kind {
    case .value: "%\(Name(text).quotedWhereNeeded)"
    case .symbol: "@\(Name(text).quotedWhereNeeded)"
    case .string: Lexer.quote(text)
    case .end: "the end of the text"
    case .word, .integer, .real, .punctuation: "'\(text)'"
    }
  }
}

extension Name {
  /// The name after `%` or `@` in text, with quotes where it is no plain word.
  public var quotedWhereNeeded: String {
    Lexer.isPlainName(text) ? text : Lexer.quote(text)
  }
}

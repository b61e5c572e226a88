/// A token of IR text.
package struct Token: Hashable, Sendable {
  /// What a token is.
  package enum Kind: Hashable, Sendable {
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

  /// What it is.
  package var kind: Kind
  /// Its text; of a name or a string without its marks.
  package var text: String
  /// Where it begins.
  package var location: SourceLocation

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
  /// The name after `%` or `@` in text, with quotes where it is not a plain word.
  package var quotedWhereNeeded: String {
    Lexer.isPlainName(text) ? text : Lexer.quote(text)
  }
}

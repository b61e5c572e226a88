/// Cuts IR text into tokens. Comments run from `//` to the end of the line.
struct Lexer {
  private let characters: [Character]
  private let file: String
  private var position = 0
  private var line = 1
  private var lineStart = 0

  init(_ text: String, file: String) {
    characters = Array(text)
    self.file = file
  }

  /// Whether two characters are punctuation of two.
  private static func isDoubled(_ first: Character, _ second: Character) -> Bool {
    switch (first, second) {
    case ("-", ">"), ("=", "="), ("!", "="), ("<", "="), (">", "="), ("&", "&"), ("|", "|"), ("<", "<"), (">", ">"): true
    default: false
    }
  }

  // Nearly all IR is ASCII, of which no table of Unicode need be asked.
  private static func isNameStart(_ c: Character) -> Bool {
    guard let byte = c.asciiValue else { return false }
    return (97...122).contains(byte) || (65...90).contains(byte) || byte == 95
  }
  private static func isDigit(_ c: Character) -> Bool { c.asciiValue.map { (48...57).contains($0) } ?? false }
  private static func isNamePart(_ c: Character) -> Bool { isNameStart(c) || isDigit(c) || c == "." }
  private static func isNewline(_ c: Character) -> Bool { c.asciiValue.map { (10...13).contains($0) } ?? c.isNewline }
  private static func isSpace(_ c: Character) -> Bool { c.asciiValue.map { (9...13).contains($0) || $0 == 32 } ?? c.isWhitespace }

  /// True where `%text` can be written without quotes.
  static func isPlainName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
  }

  /// True where `text` reads as one word: an attribute's word needs no quotes.
  static func isWord(_ text: String) -> Bool { text.first.map(isNameStart) == true && isPlainName(text) }

  /// The text in quotes, on one line. Characters that would not read back are written by their numbers: `\u{A}`.
  static func quote(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let quoted = Array("\"\(escaped)\"")
    // A combining mark beside a quote would make one character with it.
    if quoted.first == "\"", quoted.last == "\"", !quoted.contains(where: \.isNewline) { return String(quoted) }
    let numbered = escaped.unicodeScalars.map { scalar in
      scalar.isASCII && scalar.value >= 32 ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
    }
    return "\"\(numbered.joined())\""
  }

  private var here: SourceLocation { SourceLocation(file: file, line: line, column: position - lineStart + 1) }

  private func peek(_ ahead: Int = 0) -> Character? {
    position + ahead < characters.count ? characters[position + ahead] : nil
  }

  private mutating func skipSpace() {
    while let c = peek() {
      if Self.isNewline(c) {
        position += 1
        line += 1
        lineStart = position
      } else if c == "/" && peek(1) == "/" {
        while let d = peek(), !Self.isNewline(d) { position += 1 }
      } else if Self.isSpace(c) {
        position += 1
      } else {
        return
      }
    }
  }

  private mutating func take(while condition: (Character) -> Bool) -> String {
    let start = position
    while let c = peek(), condition(c) { position += 1 }
    return String(characters[start..<position])
  }

  private mutating func quoted(_ start: SourceLocation) throws -> String {
    position += 1
    var text = ""
    while let c = peek(), c != "\"", !Self.isNewline(c) {
      position += 1
      if c == "\\", let escaped = peek(), escaped == "\"" || escaped == "\\" {
        position += 1
        text.append(escaped)
      } else if c == "\\", peek() == "u", peek(1) == "{" {
        position += 2
        let digits = take(while: \.isHexDigit)
        guard let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init), peek() == "}" else {
          throw HeedError("got the escape \\u{\(digits)}, expected a Unicode scalar in hexadecimal digits", at: start)
        }
        position += 1
        text.unicodeScalars.append(scalar)
      } else {
        text.append(c)
      }
    }
    guard peek() == "\"" else { throw HeedError("got a string without an end, expected '\"'", at: start) }
    position += 1
    return text
  }

  mutating func next() throws -> Token {
    skipSpace()
    let start = here
    guard let c = peek() else { return Token(kind: .end, text: "", location: start) }
    if c == "%" || c == "@", let follows = peek(1), Self.isNamePart(follows) || follows == "\"" {
      position += 1
      let text = follows == "\"" ? try quoted(start) : take(while: Self.isNamePart)
      return Token(kind: c == "%" ? .value : .symbol, text: text, location: start)
    }
    if c == "\"" { return Token(kind: .string, text: try quoted(start), location: start) }
    if Self.isNameStart(c) { return Token(kind: .word, text: take(while: Self.isNamePart), location: start) }
    if Self.isDigit(c) { return number(start) }
    if let follows = peek(1), Self.isDoubled(c, follows) {
      position += 2
      return Token(kind: .punctuation, text: "\(c)\(follows)", location: start)
    }
    guard c.isASCII, c.isPunctuation || c.isSymbol else { throw HeedError("got '\(c)', expected IR text", at: start) }
    position += 1
    return Token(kind: .punctuation, text: String(c), location: start)
  }

  private mutating func number(_ start: SourceLocation) -> Token {
    var text = take(while: Self.isDigit)
    var kind = Token.Kind.integer
    if peek() == ".", let digit = peek(1), Self.isDigit(digit) {
      position += 1
      text += "." + take(while: Self.isDigit)
      kind = .real
    }
    if let e = peek(), e == "e" || e == "E" {
      let sign = peek(1) == "-" || peek(1) == "+" ? 1 : 0
      if let digit = peek(1 + sign), Self.isDigit(digit) {
        text += String(characters[position...(position + sign)])
        position += 1 + sign
        text += take(while: Self.isDigit)
        kind = .real
      }
    }
    return Token(kind: kind, text: text, location: start)
  }
}

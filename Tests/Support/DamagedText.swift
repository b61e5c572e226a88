extension SeededGenerator {
  /// What damage puts into a text.
  private static let pieces = [
    "%x1", "%0", "@", "(", ")", "{", "}", "[", "]", ",", ":", "=", "==", "%", "\"", "\\", "-", "*", "/", "+", "?", "<<", "&&", "!",
    "0", "-1",
    "99999999999999999999", "9223372036854775807", "1e999", "nan", "inf", "true", "f32", "i32", "bool", "S", "graph", "kernel",
    "program",
    "return", "yield", "facts", "parameter", "element", "constant", "add", "attention", "where", "dim", "dims", "ceil(", "min(",
    "phase",
    "map", "contract", "over", "tile", "let", "for", "if", "else", "load", "store", "accumulate", "index", "input", "output",
    "slot",
    "call", "check", "strides", "\n", "//", "é", "\u{301}",
  ]

  /// `text` with one to three places overwritten by pieces of IR or by nothing sensible.
  public mutating func damaged(_ text: String) -> String {
    var characters = Array(text)
    for _ in 0...Int.random(in: 0...2, using: &self) where !characters.isEmpty {
      let place = Int.random(in: 0..<characters.count, using: &self)
      let end = min(characters.count, place + Int.random(in: 0...6, using: &self))
      characters.replaceSubrange(place..<end, with: Array(Self.pieces.randomElement(using: &self)!))
    }
    return String(characters)
  }
}

import Foundation

/// Text for a terminal: with colours where standard output is one, and plain otherwise.
enum Screen {
  private static let hasColours = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

  private static func styled(_ text: String, _ codes: String) -> String { hasColours ? "\u{1B}[\(codes)m\(text)\u{1B}[0m" : text }

  static func bold(_ text: String) -> String { styled(text, "1") }

  static func title(_ text: String) {
    print("\n\(styled(text, "1;36"))\n\(styled(String(repeating: "─", count: text.count), "36"))")
  }

  /// A graph's text with its types in grey and its ops in bold.
  static func graph(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      if let equals = words.firstIndex(of: "="), equals + 1 < words.count { words[equals + 1] = bold(words[equals + 1]) }
      if let colon = words.lastIndex(of: ":"), !line.hasSuffix("{") {
        words = words[..<colon] + [styled(words[colon...].joined(separator: " "), "90")]
      }
      return "  " + words.joined(separator: " ")
    }.joined(separator: "\n")
  }

  /// A similarity from 0 to 1 as two digits on a shade that grows with it.
  static func cell(_ similarity: Double) -> String {
    let text = String(format: " %5.2f ", similarity)
    let shades = [233, 235, 237, 24, 25, 31, 37, 43]
    let shade = shades[max(0, min(shades.count - 1, Int(similarity * Double(shades.count))))]
    return styled(text, "97;48;5;\(shade)")
  }
}

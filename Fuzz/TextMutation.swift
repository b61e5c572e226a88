import Heed
import HeedTestSupport

/// Changes of a text that leave most of it as it was.
struct TextMutation {
  private var numbers: SeededGenerator
  /// Texts whose lines and words may come into others.
  private let others: [String]

  init(seed: UInt64, others: [String]) { (numbers, self.others) = (SeededGenerator(seed: seed), others) }

  /// Numbers at which sizes, indices and their products end.
  private static let borders = [
    "0", "1", "2", "-1", "7", "16", "17", "64", "65536", "2147483647", "2147483648", "4294967296", "72057594037927935",
    "72057594037927936", "4611686018427387904", "9223372036854775807", "9223372036854775808", "1e38", "1e-45", "1e309", "-inf",
    "nan",
  ]

  /// A text after one to four changes.
  mutating func mutated(_ text: String) -> String {
    var text = text
    for _ in 0..<[1, 1, 1, 2, 2, 3, 4].randomElement(using: &numbers)! { text = changed(text) }
    return text
  }

  private mutating func changed(_ text: String) -> String {
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0: return numbers.damaged(text)
    case 1: return changingLines(text)
    default: return changingWords(text)
    }
  }

  /// A line twice, gone, elsewhere, or from another text.
  private mutating func changingLines(_ text: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let place = lines.indices.randomElement(using: &numbers) else { return text }
    let target = lines.indices.randomElement(using: &numbers)!
    switch Int.random(in: 0..<5, using: &numbers) {
    case 0: lines.insert(lines[place], at: target)
    case 1: lines.remove(at: place)
    case 2: lines.swapAt(place, target)
    case 3: lines.insert(lines.remove(at: place), at: target)
    default:
      guard let line = others.randomElement(using: &numbers)?.split(separator: "\n").randomElement(using: &numbers) else { break }
      lines.insert(String(line), at: target)
    }
    return lines.joined(separator: "\n")
  }

  /// A word in place of another, mostly one of its kind that the text has.
  private mutating func changingWords(_ text: String) -> String {
    var words = Self.words(text)
    let places = words.indices.filter { !words[$0].allSatisfy(\.isWhitespace) }
    guard let place = places.randomElement(using: &numbers) else { return text }
    let kind = Self.kind(words[place])
    switch Int.random(in: 0..<16, using: &numbers) {
    case 0: words.remove(at: place)
    case 1: words.insert(words[place], at: place)
    case 2: words[place] = words[places.randomElement(using: &numbers)!]
    case 3...5 where kind == .number: words[place] = Self.borders.randomElement(using: &numbers)!
    case 6...8:
      guard let other = others.randomElement(using: &numbers) else { break }
      words[place] = Self.words(other).filter { Self.kind($0) == kind }.randomElement(using: &numbers) ?? words[place]
    default: words[place] = words.filter { Self.kind($0) == kind }.randomElement(using: &numbers)!
    }
    return words.joined()
  }

  private enum Kind { case value, number, word, sign }

  private static func kind(_ word: Substring) -> Kind {
    guard let first = word.first else { return .sign }
    if first == "%" || first == "@" { return .value }
    if first.isNumber { return .number }
    return first.isLetter ? .word : .sign
  }

  private static func kind(_ word: String) -> Kind { kind(word[...]) }

  /// The text in words: names, numbers, spaces, signs.
  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    var rest = text[...]
    func isName(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" || character == "." }
    while let first = rest.first {
      var end = rest.index(after: rest.startIndex)
      if first.isWhitespace {
        end = rest[end...].firstIndex { !$0.isWhitespace } ?? rest.endIndex
      } else if isName(first) || first == "%" || first == "@" {
        end = rest[end...].firstIndex { !isName($0) } ?? rest.endIndex
      }
      words.append(String(rest[..<end]))
      rest = rest[end...]
    }
    return words
  }
}

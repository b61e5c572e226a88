import Foundation
import Testing

/// A walk through all combinations of entries of several lists whose lengths have no common divisor: combination n takes entry
/// n modulo the length of each. Any two lists meet in all pairs of their entries within the product of their lengths, the more
/// often the longer the walk.
struct Combination: Sendable, CustomTestStringConvertible {
  let number: Int

  func pick<Element>(_ list: [Element], shift: Int = 0) -> Element { list[(number + shift) % list.count] }

  var testDescription: String { "\(number)" }

  /// The first `count` combinations; `HEED_COMBINATIONS` times as many for a longer walk.
  static func first(_ count: Int) -> [Combination] {
    let times = ProcessInfo.processInfo.environment["HEED_COMBINATIONS"].flatMap(Int.init) ?? 1
    return (0..<count * max(1, times)).map(Combination.init)
  }
}

/// Extents around vectors, register tiles and panels of every target.
let edgeExtents = [1, 2, 3, 4, 5, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 80, 96, 100, 128, 160, 256, 512]

extension String {
  /// The text with words replaced by others.
  func replacingWords(_ words: [String: Int]) -> String {
    var text = ""
    var word = ""
    func finished() -> String { words[word].map { "\($0)" } ?? word }
    for character in self {
      if character.isLetter || character.isNumber || "_%.".contains(character) {
        word.append(character)
      } else {
        text += finished() + String(character)
        word = ""
      }
    }
    return text + finished()
  }
}

import Foundation
import Heed

/// `text` filled with blanks to at least `width` characters; to the left of it where `left`.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
  let blanks = String(repeating: " ", count: max(0, width - text.count))
  return left ? blanks + text : text + blanks
}

/// A time in a unit that suits it: `12.3 us`, `4.56 ms`.
func shownTime(_ seconds: Double) -> String {
  switch seconds {
  case ..<1e-3: "\(fixed(seconds * 1e6, 1)) us"
  case ..<1: "\(fixed(seconds * 1e3, 2)) ms"
  default: "\(fixed(seconds, 2)) s"
  }
}

/// A count in a unit that suits it: `1.34 G`.
func shownCount(_ count: Double, unit: String) -> String {
  switch count {
  case ..<1e4: "\(fixed(count, 0)) \(unit)"
  case ..<1e6: "\(fixed(count / 1e3, 1)) k\(unit)"
  case ..<1e9: "\(fixed(count / 1e6, 1)) M\(unit)"
  default: "\(fixed(count / 1e9, 2)) G\(unit)"
  }
}

/// An error as reports show it: `3.2e-07`.
func shownError(_ error: Double) -> String { String(format: "%.1e", error) }

/// A number to nine digits: `0.123456789`.
func shownNumber(_ number: Double) -> String { String(format: "%.9g", number) }

extension String {
  /// The beginning of the text on one line, of at most `count` characters: a longer text ends in an ellipsis.
  func beginning(of count: Int) -> String {
    var (line, isBlankNext) = ("", false)
    // A character may be made of any number of code points.
    var room = 8 * count
    for scalar in unicodeScalars {
      guard !Character(scalar).isNewline else {
        isBlankNext = !line.isEmpty
        continue
      }
      if isBlankNext { line += " " }
      isBlankNext = false
      line.unicodeScalars.append(scalar)
      room -= 1
      if room == 0 { break }
    }
    return line.count > count || room == 0 ? line.prefix(count - 1) + "…" : line
  }
}

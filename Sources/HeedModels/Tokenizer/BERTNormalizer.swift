import Foundation

/// BERT's text normalisation, as the Rust library `tokenizers` (0.23) does it.
///
/// Steps, each over single code points: clean (control characters out, every white space becomes a blank), set CJK ideographs apart
/// by blanks, decompose canonically and drop nonspacing marks, lowercase. That library's tables are of different ages: categories
/// of Unicode 8, decompositions and combining classes of Unicode 9, lowercase of Unicode 17. Later code points count as unassigned
/// where the table is older.
package struct BERTNormalizer: Hashable, Sendable {
  package var cleansText = true
  package var separatesIdeographs = true
  package var stripsAccents = true
  package var lowercases = true

  package init(cleansText: Bool = true, separatesIdeographs: Bool = true, stripsAccents: Bool = true, lowercases: Bool = true) {
    (self.cleansText, self.separatesIdeographs) = (cleansText, separatesIdeographs)
    (self.stripsAccents, self.lowercases) = (stripsAccents, lowercases)
  }

  /// The normalised code points of `scalars`.
  package func normalize(_ scalars: some Sequence<Unicode.Scalar>) -> [Unicode.Scalar] {
    var text: [Unicode.Scalar] = []
    for scalar in scalars {
      var scalar = scalar
      if cleansText {
        if scalar.isBERTControl { continue }
        if scalar.properties.isWhitespace { scalar = " " }
      }
      if separatesIdeographs && scalar.isBERTIdeograph {
        text += [" ", scalar, " "]
      } else {
        text.append(scalar)
      }
    }
    if stripsAccents { text = Self.decompose(text).filter { !$0.isBERTNonspacingMark } }
    return lowercases ? Self.lowercase(text) : text
  }

  /// The words of a normalised text: what is between white space, and each punctuation mark by itself.
  package static func words(_ text: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
    var words: [ArraySlice<Unicode.Scalar>] = []
    var start = 0
    for (index, scalar) in text.enumerated() {
      let isPunctuation = scalar.isBERTPunctuation
      guard isPunctuation || scalar.properties.isWhitespace else { continue }
      if start < index { words.append(text[start..<index]) }
      if isPunctuation { words.append(text[index...index]) }
      start = index + 1
    }
    if start < text.count { words.append(text[start...]) }
    return words
  }

  /// Lowercases code point by code point: no final sigma, and U+0130 becomes two code points.
  private static func lowercase(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text {
      switch scalar.value {
      case 0x41...0x5a: result.append(Unicode.Scalar(scalar.value + 0x20)!)
      case 0..<0x80: result.append(scalar)
      default: result += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return result
  }

  /// The canonical decomposition (NFD) of Unicode 9.
  package static func decompose(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    // Code points after the last starter, with their combining classes.
    var marks: [(combiningClass: UInt8, scalar: Unicode.Scalar)] = []
    func flush() {
      guard !marks.isEmpty else { return }
      let order = marks.indices.sorted { (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1) }
      result += order.map { marks[$0].scalar }
      marks.removeAll(keepingCapacity: true)
    }
    func append(_ scalar: Unicode.Scalar) {
      let combiningClass = scalar.value < 0x300 ? 0 : scalar.properties.canonicalCombiningClass.rawValue
      if combiningClass == 0 {
        flush()
        result.append(scalar)
      } else {
        marks.append((combiningClass, scalar))
      }
    }
    for scalar in text {
      if scalar.value < 0xc0 {
        append(scalar)
      } else if scalar.isAssigned(inUnicode: 9) {
        String(Character(scalar)).decomposedStringWithCanonicalMapping.unicodeScalars.forEach(append)
      } else {
        flush()
        result.append(scalar)
      }
    }
    flush()
    return result
  }
}

extension Unicode.Scalar {
  /// Whether Unicode `major`.0 had this code point.
  func isAssigned(inUnicode major: Int) -> Bool {
    guard let age = properties.age else { return false }
    return (age.major, age.minor) <= (major, 0)
  }

  /// The general category in Unicode 8. The code points listed have changed theirs since.
  private var category8: Unicode.GeneralCategory {
    switch value {
    case 0x166d, 0x111c9: .otherPunctuation
    case 0x1734, 0x1171e: .nonspacingMark
    case 0x1885, 0x1886: .otherLetter
    case 0xa9bd: .spacingMark
    default: isAssigned(inUnicode: 8) ? properties.generalCategory : .unassigned
    }
  }

  /// Whether cleaning drops it: U+FFFD, control and format characters and private use; not tab, newline, carriage return.
  package var isBERTControl: Bool {
    switch value {
    case 0x20..<0x7f, 0x9, 0xa, 0xd: return false
    case 0xfffd: return true
    default:
      let category = category8
      return category == .control || category == .format || category == .privateUse
    }
  }

  /// Whether decomposed text loses it.
  package var isBERTNonspacingMark: Bool { value >= 0x300 && category8 == .nonspacingMark }

  /// Whether it is a word of its own: punctuation, and every printable ASCII character that is neither a letter nor a digit.
  package var isBERTPunctuation: Bool {
    switch value {
    case 0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e: return true
    case 0..<0x80: return false
    default:
      switch category8 {
      case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
        .otherPunctuation:
        return true
      default: return false
      }
    }
  }

  /// Whether it is a CJK ideograph as that library sees them: U+2B820...U+2B91F are not.
  package var isBERTIdeograph: Bool {
    switch value {
    case 0x3400...0x4dbf, 0x4e00...0x9fff, 0xf900...0xfaff, 0x20000...0x2a6df, 0x2a700...0x2b81f, 0x2b920...0x2ceaf,
      0x2f800...0x2fa1f:
      true
    default: false
    }
  }
}

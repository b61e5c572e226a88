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
    var (text, marks): ([Unicode.Scalar], CanonicalOrder) = ([], CanonicalOrder())
    for scalar in scalars {
      expand(scalar) { scalar, combiningClass in marks.add(scalar, combiningClass) { text += lowercase($0) } }
    }
    marks.flush { text += lowercase($0) }
    return text
  }

  /// What becomes of one code point but for its case, with the combining classes by which marks are still to be put in order.
  func expand(_ scalar: Unicode.Scalar, _ emit: (_ scalar: Unicode.Scalar, _ combiningClass: UInt8) -> Void) {
    var scalar = scalar
    if cleansText {
      if scalar.isBERTControl { return }
      if scalar.properties.isWhitespace { scalar = " " }
    }
    let isSeparate = separatesIdeographs && scalar.isBERTIdeograph
    if isSeparate { emit(" ", 0) }
    if stripsAccents { decompose(scalar, emit) } else { emit(scalar, 0) }
    if isSeparate { emit(" ", 0) }
  }

  /// The canonical decomposition of Unicode 9, in no order, without nonspacing marks.
  private func decompose(_ scalar: Unicode.Scalar, _ emit: (_ scalar: Unicode.Scalar, _ combiningClass: UInt8) -> Void) {
    guard scalar.value >= 0xc0, scalar.isAssigned(inUnicode: 9) else {
      if !scalar.isBERTNonspacingMark { emit(scalar, 0) }
      return
    }
    for part in String(Character(scalar)).decomposedStringWithCanonicalMapping.unicodeScalars where !part.isBERTNonspacingMark {
      emit(part, part.value < 0x300 ? 0 : part.properties.canonicalCombiningClass.rawValue)
    }
  }

  /// One code point in lowercase: no final sigma, and U+0130 becomes two code points.
  func lowercase(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    guard lowercases else { return [scalar] }
    return switch scalar.value {
    case 0x41...0x5a: [Unicode.Scalar(scalar.value + 0x20)!]
    case 0..<0x80: [scalar]
    default: Array(scalar.properties.lowercaseMapping.unicodeScalars)
    }
  }

  /// The words of a normalised text: what is between white space, and each punctuation mark by itself.
  package static func words(_ text: [Unicode.Scalar]) -> [ArraySlice<Unicode.Scalar>] {
    var words: [ArraySlice<Unicode.Scalar>] = []
    var start = 0
    for (index, scalar) in text.enumerated() {
      let isPunctuation = scalar.isBERTPunctuation
      guard isPunctuation || scalar.isBERTSpace else { continue }
      if start < index { words.append(text[start..<index]) }
      if isPunctuation { words.append(text[index...index]) }
      start = index + 1
    }
    if start < text.count { words.append(text[start...]) }
    return words
  }
}

/// Code points after the last starter, which are put in the order of their combining classes before the next one.
struct CanonicalOrder {
  private var marks: [(combiningClass: UInt8, scalar: Unicode.Scalar)] = []

  /// How many code points wait for the next starter.
  var count: Int { marks.count }

  /// Takes a code point, and hands on those whose place is known.
  mutating func add(_ scalar: Unicode.Scalar, _ combiningClass: UInt8, _ emit: (Unicode.Scalar) -> Void) {
    guard combiningClass == 0 else { return marks.append((combiningClass, scalar)) }
    flush(emit)
    emit(scalar)
  }

  /// Hands on all.
  mutating func flush(_ emit: (Unicode.Scalar) -> Void) {
    guard !marks.isEmpty else { return }
    let order = marks.indices.sorted { (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1) }
    for position in order { emit(marks[position].scalar) }
    marks.removeAll(keepingCapacity: true)
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

  /// Whether it is white space.
  var isBERTSpace: Bool { (0x21..<0x7f).contains(value) ? false : properties.isWhitespace }

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

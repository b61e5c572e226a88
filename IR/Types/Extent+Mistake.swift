// Extents that cannot be. Literals and arithmetic do not throw, so a mistake in them is kept in the extent. What is built with it reports
// the mistake with its line.

extension Extent {
  /// Coefficients are less than this.
  private static let coefficientLimit: UInt = 1 << 56
  /// The most terms of an extent, and factors of a term.
  private static let most = (terms: 64, factors: 32)

  /// An extent that stands for a mistake, which `message` describes; it begins with "got".
  ///
  /// It is a symbol that no text can name.
  static func mistaken(_ message: String) -> Extent { Extent(symbol: Name(message)) }

  private static let mistakePrefix = "got "

  /// Whether the extent is one that stands for a mistake.
  var isMistaken: Bool { symbol?.text.hasPrefix(Self.mistakePrefix) == true }

  /// What is wrong with the extent, in the words of an error; nil for an extent that can be used.
  ///
  /// Text that is not an extent, a symbol that is not a word, a division by 0, and what would overflow or take long to compute with.
  public var mistake: String? {
    if let constant { return constant.magnitude < Self.coefficientLimit ? nil : Self.overflow }
    if let symbol = symbols.first(where: { !Lexer.isWord($0.text) }) {
      if symbol.text.hasPrefix(Self.mistakePrefix) { return symbol.text }
      return "got the symbol \"\(symbol)\", expected a word of letters, digits and _"
    }
    return sizeMistake
  }

  /// What is too large in the extent, if anything is.
  var sizeMistake: String? {
    let terms = terms
    if terms.contains(where: { $0.coefficient.magnitude >= Self.coefficientLimit }) { return Self.overflow }
    if terms.count > Self.most.terms || terms.contains(where: { $0.factors.count > Self.most.factors }) {
      return Self.tooLong
    }
    for case .floorDivision(let inner, _) in terms.lazy.flatMap(\.factors) { if let mistake = inner.sizeMistake { return mistake } }
    for case .ceilingDivision(let inner, _) in terms.lazy.flatMap(\.factors) {
      if let mistake = inner.sizeMistake { return mistake }
    }
    return nil
  }

  static var tooLong: String { "got an extent of more than \(most.terms) terms or \(most.factors) factors, expected less" }
  private static let overflow = "got an extent with a coefficient of 2^56 or more, expected less"
}

// Numbers of elements and costs are products and sums of extents, so arithmetic goes on beyond what an extent may be. It still ends:
// the work of a product grows with the product of the terms.

extension Extent {
  /// The most terms of a result, and the most terms and factors together.
  private static let mostInResult = (terms: 1 << 12, weight: 1 << 18)
  /// The most terms and factors of what is divided.
  static let mostInDivision = 1 << 10

  /// The terms and their factors, those inside of divisions counted.
  var weight: Int {
    if constant != nil { return 1 }
    return terms.reduce(0) { sum, term in
      term.factors.reduce(sum + 1) { sum, factor in
        switch factor {
        case .symbol: sum + 1
        case .floorDivision(let inner, _), .ceilingDivision(let inner, _): sum + 1 + inner.weight
        }
      }
    }
  }

  /// What stands for the result of two extents where one of them is a mistake, or the result would be too long.
  static func refusal(of left: Extent, _ right: Extent, termCount: Int, weight: Int) -> Extent? {
    if left.isMistaken { return left }
    if right.isMistaken { return right }
    return termCount > mostInResult.terms || weight > mostInResult.weight ? mistaken(tooLong) : nil
  }
}

extension Shape {
  /// What is wrong with the shape, in the words of an error; nil for one that can be used.
  ///
  /// The number of elements is a polynomial as well: it must not grow without end.
  public var mistake: String? {
    let extents = extents
    for extent in extents { if let mistake = extent.mistake { return mistake } }
    return sizeMistake
  }

  /// What is too large in the number of elements, if anything is.
  var sizeMistake: String? {
    let extents = extents
    let factorCounts = extents.map { $0.terms.map(\.factors.count).max() ?? 0 }
    guard extents.reduce(1, { min($0 * max($1.terms.count, 1), 1 << 16) }) <= 1024, extents.count <= 64,
      factorCounts.reduce(0, +) <= 64
    else {
      return "got a shape whose number of elements has more than 1024 terms or 64 factors, expected less"
    }
    return nil
  }
}

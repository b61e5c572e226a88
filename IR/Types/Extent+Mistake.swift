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

  /// What is wrong with the extent, in the words of an error; nil for an extent that can be used.
  ///
  /// Text that is not an extent, a symbol that is not a word, a division by 0, and what would overflow or take long to compute with.
  public var mistake: String? {
    if let constant { return constant.magnitude < Self.coefficientLimit ? nil : Self.overflow }
    if let symbol = symbols.first(where: { !Lexer.isWord($0.text) }) {
      if symbol.text.hasPrefix("got ") { return symbol.text }
      return "got the symbol \"\(symbol)\", expected a word of letters, digits and _"
    }
    return sizeMistake
  }

  /// What is too large in the extent, if anything is.
  var sizeMistake: String? {
    let terms = terms
    if terms.contains(where: { $0.coefficient.magnitude >= Self.coefficientLimit }) { return Self.overflow }
    if terms.count > Self.most.terms || terms.contains(where: { $0.factors.count > Self.most.factors }) {
      return "got an extent of more than \(Self.most.terms) terms or \(Self.most.factors) factors, expected less"
    }
    for case .floorDivision(let inner, _) in terms.lazy.flatMap(\.factors) { if let mistake = inner.sizeMistake { return mistake } }
    for case .ceilingDivision(let inner, _) in terms.lazy.flatMap(\.factors) {
      if let mistake = inner.sizeMistake { return mistake }
    }
    return nil
  }

  private static let overflow = "got an extent with a coefficient of 2^56 or more, expected less"
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
    guard extents.reduce(1, { min($0 * max($1.terms.count, 1), 1 << 16) }) <= 1024, extents.count <= 64 else {
      return "got a shape whose number of elements has more than 1024 terms or 64 factors, expected less"
    }
    return nil
  }
}

internal import OrderedCollections

/// The extent of a dimension: an integer polynomial over symbols, with floor and ceiling division by positive constants, in
/// canonical form, so that equal extents are equal values: `B*S`, `S + P`, `ceil(S/16)`.
///
/// Symbols stand for whole numbers of at least 0 that are bound at each call. A coefficient that leaves
/// 64 bits stays at the largest one, which `evaluate` rejects.
public struct Extent: Hashable, Sendable {
  /// What a term multiplies.
  public enum Atom: Hashable, Sendable {
    case symbol(Name)
    case floorDivision(Extent, by: Int)
    case ceilingDivision(Extent, by: Int)
  }

  /// A coefficient times atoms; an atom is repeated once per power.
  public struct Term: Hashable, Sendable {
    /// The factor in front; never 0 in canonical form.
    public var coefficient: Int
    /// What is multiplied; none in the constant term.
    public var factors: [Atom]
  }

  private static let interner = Interner<[Term]>()
  /// The number of the interned terms. A small constant, as most extents are, is kept here itself, with the highest bit set.
  private let identifier: UInt32
  private static let constantBit: UInt32 = 1 << 31

  /// The constant that the identifier itself is.
  private var smallConstant: Int? {
    identifier & Self.constantBit == 0 ? nil : Int(identifier & ~Self.constantBit)
  }

  /// The terms, the constant last. No two have the same factors, and no coefficient is 0.
  public var terms: [Term] {
    guard let constant = smallConstant else { return Self.interner[identifier] }
    return constant == 0 ? [] : [Term(coefficient: constant, factors: [])]
  }

  private init(canonical terms: [Term]) {
    let constant: Int? = terms.isEmpty ? 0 : terms.count == 1 && terms[0].factors.isEmpty ? terms[0].coefficient : nil
    if let constant, constant >= 0, constant < Int(Self.constantBit) {
      identifier = UInt32(constant) | Self.constantBit
    } else {
      identifier = Self.interner.identifier(of: terms)
    }
  }

  /// The sum of `terms`, which need not be in canonical form.
  public init(_ terms: [Term]) {
    var sums: [[Atom]: Int] = [:]
    for term in terms {
      let factors = term.factors.sorted { $0.description < $1.description }
      sums[factors] = Self.saturatingSum(sums[factors] ?? 0, max(term.coefficient, -Int.max))
    }
    let kept = sums.filter { $0.value != 0 }.map {
      (key: $0.key.map(\.description), term: Term(coefficient: $0.value, factors: $0.key))
    }
    // Higher degree first, what is added before what is taken away, then by the names of the factors: the order of the printed form.
    self.init(
      canonical: kept.sorted {
        if $0.key.count != $1.key.count { return $0.key.count > $1.key.count }
        let isTaken = ($0.term.coefficient < 0, $1.term.coefficient < 0)
        return isTaken.0 != isTaken.1 ? isTaken.1 : $0.key.lexicographicallyPrecedes($1.key)
      }.map(\.term))
  }

  /// A constant extent.
  public init(_ constant: Int) {
    let constant = max(constant, -Int.max)
    let isSmall = constant >= 0 && constant < Int(Self.constantBit)
    identifier =
      isSmall
      ? UInt32(constant) | Self.constantBit : Self.interner.identifier(of: [Term(coefficient: constant, factors: [])])
  }

  /// The extent that is one symbol: `S`.
  public init(symbol: Name) { self.init(canonical: [Term(coefficient: 1, factors: [.symbol(symbol)])]) }

  /// The value, where the extent has no symbols.
  public var constant: Int? {
    if let constant = smallConstant { return constant }
    let terms = terms
    return terms.count == 1 && terms[0].factors.isEmpty ? terms[0].coefficient : nil
  }

  /// The symbol, where the extent is just one.
  public var symbol: Name? {
    let terms = terms
    guard terms.count == 1, terms[0].coefficient == 1, terms[0].factors.count == 1, case .symbol(let name) = terms[0].factors[0]
    else { return nil }
    return name
  }

  /// Whether the form alone shows that no values of the symbols make this negative: symbols are at least 0.
  public var isNeverNegative: Bool {
    smallConstant != nil
      || terms.allSatisfy { term in
        term.coefficient >= 0
          && term.factors.allSatisfy { factor in
            switch factor {
            case .symbol: true
            case .floorDivision(let inner, _), .ceilingDivision(let inner, _): inner.isNeverNegative
            }
          }
      }
  }

  /// Whether the form alone shows that all values of the symbols make this negative.
  public var isAlwaysNegative: Bool { (Extent(-1) - self).isNeverNegative }

  /// The symbols that the extent mentions, in the order of its text.
  public var symbols: [Name] {
    if smallConstant != nil { return [] }
    var found: OrderedSet<Name> = []
    for factor in terms.lazy.flatMap(\.factors) {
      switch factor {
      case .symbol(let name): found.append(name)
      case .floorDivision(let inner, _), .ceilingDivision(let inner, _): found.append(contentsOf: inner.symbols)
      }
    }
    return found.elements
  }
}

extension Sequence<Extent> {
  /// The symbols that the extents mention, each once, in order of appearance.
  package var symbols: [Name] { OrderedSet(lazy.flatMap(\.symbols)).elements }
}

// MARK: - Arithmetic

extension Extent {
  /// The sum, in canonical form.
  public static func + (left: Extent, right: Extent) -> Extent {
    if let a = left.smallConstant, let b = right.smallConstant { return Extent(a + b) }
    if left == 0 { return right }
    if right == 0 { return left }
    return sums.value(left, right) {
      refusal(of: left, right, termCount: left.terms.count + right.terms.count, weight: left.weight + right.weight)
        ?? Extent(left.terms + right.terms)
    }
  }

  /// The difference, in canonical form.
  public static func - (left: Extent, right: Extent) -> Extent { left + right * Extent(-1) }

  /// The product, in canonical form.
  public static func * (left: Extent, right: Extent) -> Extent {
    if let a = left.smallConstant, let b = right.smallConstant { return Extent(a * b) }
    if left == 1 { return right }
    if right == 1 { return left }
    return products.value(left, right) {
      let (leftCount, rightTerms) = (left.terms.count, right.terms)
      let weight = left.weight * rightTerms.count + right.weight * leftCount
      if let refusal = refusal(of: left, right, termCount: leftCount * rightTerms.count, weight: weight) { return refusal }
      return Extent(
        left.terms.flatMap { a in
          rightTerms.map { b in
            Term(coefficient: saturatingProduct(a.coefficient, b.coefficient), factors: a.factors + b.factors)
          }
        })
    }
  }

  /// Results known already: a program does the same few sums and products over and over.
  private final class Known: Sendable {
    private let results = Lock<[UInt64: Extent]>([:])

    func value(_ left: Extent, _ right: Extent, _ compute: () -> Extent) -> Extent {
      let key = UInt64(left.identifier) << 32 | UInt64(right.identifier)
      if let known = results.withLock({ $0[key] }) { return known }
      let result = compute()
      results.withLock { $0[key] = result }
      return result
    }
  }

  private static let sums = Known()
  private static let products = Known()

  private static func saturatingSum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (a < 0 ? -Int.max : Int.max) : sum
  }

  private static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? ((a < 0) != (b < 0) ? -Int.max : Int.max) : product
  }

  /// The quotient rounded down; a divisor below 1 is a mistake, as `mistake` says of the result.
  public func dividedRoundingDown(by divisor: Int) -> Extent { divided(by: divisor, roundingUp: false) }

  /// The quotient rounded up; a divisor below 1 is a mistake, as `mistake` says of the result.
  public func dividedRoundingUp(by divisor: Int) -> Extent { divided(by: divisor, roundingUp: true) }

  /// The quotient, where the extent is a multiple of `divisor` for all values of its symbols.
  public func dividedExactly(by divisor: Int) -> Extent? {
    let terms = terms
    guard divisor != 0, terms.allSatisfy({ $0.coefficient % divisor == 0 }) else { return nil }
    return Extent(terms.map { Term(coefficient: $0.coefficient / divisor, factors: $0.factors) })
  }

  /// What is left of this product of constants and symbols without the factors of `other`; nil where it lacks one, or either is a sum.
  public func quotient(by other: Extent) -> Extent? {
    let (mine, others) = (terms, other.terms)
    guard mine.count == 1, others.count == 1, others[0].coefficient != 0, mine[0].coefficient % others[0].coefficient == 0 else {
      return nil
    }
    var rest = mine[0].factors
    for factor in others[0].factors {
      guard let position = rest.firstIndex(of: factor) else { return nil }
      rest.remove(at: position)
    }
    return Extent([Term(coefficient: mine[0].coefficient / others[0].coefficient, factors: rest)])
  }

  /// Terms whose coefficients are multiples of the divisor come out of the division: floor((16*A + r)/16) = A + floor(r/16).
  private func divided(by divisor: Int, roundingUp: Bool) -> Extent {
    guard divisor > 0 else { return .mistaken("got \(self) divided by \(divisor), expected a divisor of at least 1") }
    guard !isMistaken, weight <= Self.mostInDivision else { return isMistaken ? self : .mistaken(Self.tooLong) }
    var whole: [Term] = []
    var rest: [Term] = []
    for term in terms {
      if term.factors.isEmpty {
        whole.append(Term(coefficient: Self.floorDivide(term.coefficient, divisor), factors: []))
        rest.append(Term(coefficient: Self.remainder(term.coefficient, divisor), factors: []))
      } else if term.coefficient % divisor == 0 {
        whole.append(Term(coefficient: term.coefficient / divisor, factors: term.factors))
      } else {
        rest.append(term)
      }
    }
    let remainder = Extent(rest)
    if let constant = remainder.constant {
      return Extent(whole + [Term(coefficient: roundingUp && constant > 0 ? 1 : 0, factors: [])])
    }
    let atom: Atom = roundingUp ? .ceilingDivision(remainder, by: divisor) : .floorDivision(remainder, by: divisor)
    return Extent(whole + [Term(coefficient: 1, factors: [atom])])
  }

  /// The extent with symbols replaced by extents.
  public func substituting(_ replacement: (Name) -> Extent?) -> Extent {
    if smallConstant != nil { return self }
    if let symbol { return replacement(symbol) ?? self }
    var sum = Extent(0)
    for term in terms {
      var product = Extent(term.coefficient)
      for factor in term.factors {
        switch factor {
        case .symbol(let name): product = product * (replacement(name) ?? Extent(symbol: name))
        case .floorDivision(let inner, let divisor):
          product = product * inner.substituting(replacement).dividedRoundingDown(by: divisor)
        case .ceilingDivision(let inner, let divisor):
          product = product * inner.substituting(replacement).dividedRoundingUp(by: divisor)
        }
      }
      sum = sum + product
    }
    return sum
  }

  /// The value under `binding`.
  /// - Throws: where a symbol is unbound or the value leaves 64 bits.
  public func evaluate(_ binding: (Name) -> Int?) throws -> Int {
    if let constant = smallConstant { return constant }
    var sum = 0
    for term in terms {
      let factors = try term.factors.map { factor in
        switch factor {
        case .symbol(let name):
          guard let bound = binding(name) else { throw HeedError("the symbol \(name) of extent \(self) has no value") }
          return bound
        case .floorDivision(let inner, let divisor): return Self.floorDivide(try inner.evaluate(binding), divisor)
        case .ceilingDivision(let inner, let divisor): return Self.ceilingDivide(try inner.evaluate(binding), divisor)
        }
      }
      guard let product = Self.product(term.coefficient, factors) else { throw HeedError("the extent \(self) leaves 64 bits") }
      let (next, overflow) = sum.addingReportingOverflow(product)
      guard !overflow else { throw HeedError("the extent \(self) leaves 64 bits") }
      sum = next
    }
    return sum
  }

  /// The product of a coefficient and the values of its factors; nil where it leaves 64 bits. A coefficient that did so while its extent
  /// was made stays at the largest one. A factor of 0 makes all of it 0.
  package static func product(_ coefficient: Int, _ factors: some Collection<Int>) -> Int? {
    if factors.contains(0) { return 0 }
    guard coefficient.magnitude != Int.max.magnitude else { return nil }
    var product = coefficient
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      guard !overflow else { return nil }
      product = next
    }
    return product
  }

  static func ceilingDivide(_ value: Int, _ divisor: Int) -> Int {
    let quotient = value / divisor
    return value % divisor != 0 && (value < 0) == (divisor < 0) ? quotient + 1 : quotient
  }

  /// What floor division by a divisor of at least 1 leaves.
  static func remainder(_ value: Int, _ divisor: Int) -> Int {
    let remainder = value % divisor
    return remainder < 0 ? remainder + divisor : remainder
  }

  static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
    let quotient = value / divisor
    return value % divisor != 0 && (value < 0) != (divisor < 0) ? quotient - 1 : quotient
  }
}

// MARK: - Text

extension Extent: ExpressibleByIntegerLiteral, ExpressibleByStringInterpolation, CustomStringConvertible {
  /// A constant extent.
  public init(integerLiteral value: Int) { self.init(value) }

  /// The extent that `text` writes: `"S"`, `"B*S"`, `"ceil(S/16)"`, `"\(count)*S"`.
  ///
  /// Other text is a mistake, as `mistake` says of the extent. `init(parsing:)` throws it at once.
  public init(stringLiteral text: String) {
    do { self = try Extent(parsing: text) } catch {
      self = .mistaken("got the extent \"\(text)\", which is not one: \((error as? HeedError)?.message ?? "\(error)")")
    }
  }

  /// The extent as IR writes it: `B*S + 1`.
  public var description: String {
    let terms = terms
    guard !terms.isEmpty else { return "0" }
    var text = ""
    for (position, term) in terms.enumerated() {
      let magnitude = term.coefficient.magnitude
      if position > 0 { text += term.coefficient < 0 ? " - " : " + " } else if term.coefficient < 0 { text += "-" }
      let factors = term.factors.map(\.description)
      text += (magnitude == 1 && !factors.isEmpty ? factors : ["\(magnitude)"] + factors).joined(separator: "*")
    }
    return text
  }
}

extension Extent {
  fileprivate var asNumerator: String { terms.count == 1 ? description : "(\(self))" }
}

extension Extent.Atom: CustomStringConvertible {
  /// The atom as IR writes it: `S`, `floor(S/16)`.
  public var description: String {
    switch self {
    case .symbol(let name): name.text
    case .floorDivision(let inner, let divisor): "floor(\(inner.asNumerator)/\(divisor))"
    case .ceilingDivision(let inner, let divisor): "ceil(\(inner.asNumerator)/\(divisor))"
    }
  }
}

internal import HeedIR

/// Extents that are evaluated together, each distinct one once.
///
/// Evaluating an `Extent` itself fetches interned terms each time. Here they are flattened beforehand, since a call evaluates
/// hundreds.
struct ExtentTable: Sendable {
  private enum Factor {
    case symbol(Int)
    case floor(Int, divisor: Int)
    case ceiling(Int, divisor: Int)
  }

  private struct Term {
    var coefficient: Int
    var factors: [Factor]
  }

  /// The symbols of the extents, in order of appearance.
  private(set) var symbols: [Name] = []
  private var extents: [Extent] = []
  /// The terms by extent. An extent comes after those that it divides.
  private var terms: [[Term]] = []
  private var positions: [Extent: Int] = [:]

  /// The position of `extent`'s value among those that `evaluate` returns.
  mutating func add(_ extent: Extent) -> Int {
    if let known = positions[extent] { return known }
    let flat = extent.terms.map { term in Term(coefficient: term.coefficient, factors: term.factors.map { factor($0) }) }
    extents.append(extent)
    terms.append(flat)
    positions[extent] = extents.count - 1
    return extents.count - 1
  }

  private mutating func factor(_ atom: Extent.Atom) -> Factor {
    switch atom {
    case .symbol(let name):
      if let known = symbols.firstIndex(of: name) { return .symbol(known) }
      symbols.append(name)
      return .symbol(symbols.count - 1)
    case .floorDivision(let inner, let divisor): return .floor(add(inner), divisor: divisor)
    case .ceilingDivision(let inner, let divisor): return .ceiling(add(inner), divisor: divisor)
    }
  }

  /// The value of every extent, by position.
  /// - Parameter symbolValues: the values of `symbols`.
  /// - Throws: where a value leaves 64 bits.
  func evaluate(_ symbolValues: [Int]) throws -> [Int] {
    precondition(symbolValues.count == symbols.count, "\(symbolValues.count) values for \(symbols.count) symbols")
    var values: [Int] = []
    values.reserveCapacity(terms.count)
    for (position, terms) in terms.enumerated() {
      guard let value = Self.sum(terms, symbolValues, values) else {
        throw HeedError("the extent \(extents[position]) leaves 64 bits")
      }
      values.append(value)
    }
    return values
  }

  /// The positions of the extents that mention one of these symbols, themselves or in what they divide.
  func positions(mentioning symbols: Set<Name>) -> [Int] {
    extents.indices.filter { extents[$0].symbols.contains(where: symbols.contains) }
  }

  /// Evaluates some extents again, for other values of the symbols.
  /// - Parameters:
  ///   - values: what `evaluate` returned.
  ///   - positions: those of the extents, rising.
  func update(_ values: inout [Int], at positions: [Int], _ symbolValues: [Int]) throws {
    for position in positions {
      guard let value = Self.sum(terms[position], symbolValues, values) else {
        throw HeedError("the extent \(extents[position]) leaves 64 bits")
      }
      values[position] = value
    }
  }

  private static func sum(_ terms: [Term], _ symbols: [Int], _ values: [Int]) -> Int? {
    var sum = 0
    for term in terms {
      let factors = term.factors.lazy.map { factor in
        switch factor {
        case .symbol(let position): symbols[position]
        case .floor(let position, let divisor): quotient(values[position], divisor)
        case .ceiling(let position, let divisor): -quotient(-values[position], divisor)
        }
      }
      guard let product = Extent.product(term.coefficient, factors) else { return nil }
      let (next, overflow) = sum.addingReportingOverflow(product)
      guard !overflow else { return nil }
      sum = next
    }
    return sum
  }

  /// Rounded down; `divisor` is positive.
  private static func quotient(_ value: Int, _ divisor: Int) -> Int {
    value / divisor - (value % divisor < 0 ? 1 : 0)
  }
}

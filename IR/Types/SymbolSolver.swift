/// How the symbols of a graph follow from the shapes that it is given: `S` from an extent `S`, `B` from `B*S` once `S` is known.
///
/// An extent gives a symbol where it is `a*X + r` with `a` and `r` of known symbols; so does a fact `left == right`. The steps
/// depend on the types alone, so a verifier can tell beforehand that a call will find every symbol.
public struct SymbolSolver: Sendable {
  private struct Step {
    let symbol: Name
    let coefficient: Extent
    let rest: Extent
    /// The extent whose value is `coefficient*symbol + rest`, or nil for a fact, where it is 0.
    let source: Int?
  }

  private let extents: [Extent]
  private var steps: [Step] = []
  /// The symbols of the extents that do not follow, in order of appearance.
  public private(set) var unsolved: [Name] = []

  /// - Parameters:
  ///   - extents: the extents whose values a call gives: those of the arguments' shapes.
  ///   - facts: what is known of them besides.
  public init(extents: [Extent], facts: [Fact]) {
    self.extents = extents
    var equations = extents.enumerated().map { (extent: $1, source: Optional($0)) }
    for case .equal(let left, let right) in facts { equations.append((left - right, nil)) }
    var known: Set<Name> = []
    while let step = equations.lazy.compactMap({ Self.step($0.extent, $0.source, known: known) }).first {
      steps.append(step)
      known.insert(step.symbol)
    }
    for symbol in extents.flatMap(\.symbols) where !known.contains(symbol) && !unsolved.contains(symbol) { unsolved.append(symbol) }
  }

  private static func step(_ extent: Extent, _ source: Int?, known: Set<Name>) -> Step? {
    let unknown = extent.symbols.filter { !known.contains($0) }
    guard unknown.count == 1 else { return nil }
    let symbol = unknown[0]
    var coefficient: [Extent.Term] = []
    var rest: [Extent.Term] = []
    for var term in extent.terms {
      let touching = term.factors.filter { $0.mentions(symbol) }
      guard !touching.isEmpty else {
        rest.append(term)
        continue
      }
      guard touching == [.symbol(symbol)] else { return nil }
      term.factors.removeAll { $0 == .symbol(symbol) }
      coefficient.append(term)
    }
    return Step(symbol: symbol, coefficient: Extent(coefficient), rest: Extent(rest), source: source)
  }

  /// The symbols' values, where the extents have these.
  ///
  /// An extent that gave no symbol is not looked at: the caller compares every extent's value with what the symbols make it.
  /// - Parameters:
  ///   - values: one for each of the extents.
  ///   - describe: how an error names the extent of that number: `dimension 1 of %q`.
  /// - Throws: where a symbol would be negative or a fraction, or is not determined since another is 0.
  public func solve(_ values: [Int], describe: (Int) -> String) throws -> [Name: Int] {
    precondition(values.count == extents.count, "\(values.count) values for \(extents.count) extents")
    var binding: [Name: Int] = [:]
    for step in steps {
      let value = step.source.map { values[$0] } ?? 0
      let place = step.source.map { "\(describe($0)) is \(value), expected \(extents[$0])" } ?? "a stated fact"
      let coefficient = try step.coefficient.evaluate { binding[$0] }
      let (difference, overflow) = value.subtractingReportingOverflow(try step.rest.evaluate { binding[$0] })
      guard coefficient != 0 else { throw HeedError("\(place): \(step.symbol) can be anything where \(step.coefficient) is 0") }
      guard !overflow, coefficient != -1 || difference != .min, difference % coefficient == 0, difference / coefficient >= 0 else {
        throw HeedError("\(place): no \(step.symbol) of at least 0 makes it so")
      }
      binding[step.symbol] = difference / coefficient
    }
    return binding
  }
}

extension Extent.Atom {
  fileprivate func mentions(_ symbol: Name) -> Bool {
    switch self {
    case .symbol(let name): name == symbol
    case .floorDivision(let inner, _), .ceilingDivision(let inner, _): inner.symbols.contains(symbol)
    }
  }
}

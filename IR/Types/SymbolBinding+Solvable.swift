extension SymbolBinding {
  /// The symbols of `extents` that `solve` cannot find for any values of the extents, in order of appearance.
  ///
  /// A symbol is found where an extent or an equality among the facts is `a*X + r` with `a` and `r` of symbols already found. That
  /// depends on the types alone, so that a verifier can tell beforehand.
  public static func unsolvable(extents: [Extent], facts: [Fact] = []) -> [Name] {
    var equations = extents
    for case .equal(let left, let right) in facts { equations.append(left - right) }
    var found: Set<Name> = []
    while let symbol = equations.lazy.compactMap({ solvable($0, found: found) }).first { found.insert(symbol) }
    return extents.symbols.filter { !found.contains($0) }
  }

  /// The one symbol of `extent` that is not found yet, where the extent is linear in it.
  private static func solvable(_ extent: Extent, found: Set<Name>) -> Name? {
    let unknown = extent.symbols.filter { !found.contains($0) }
    guard unknown.count == 1 else { return nil }
    for term in extent.terms {
      let touching = term.factors.filter { $0.mentions(unknown[0]) }
      guard touching.isEmpty || touching == [.symbol(unknown[0])] else { return nil }
    }
    return unknown[0]
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

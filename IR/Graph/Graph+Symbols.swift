extension Graph {
  /// The symbols of the arguments' extents and of the facts, and the indices of the loops in the graph, inner ones too.
  package var allSymbols: Set<Name> {
    var symbols = Set(symbols).union(facts.flatMap(\.symbols))
    for node in body {
      guard let body = bodyGraph(node) else { continue }
      symbols.formUnion(body.allSymbols)
      if let index = attributes(node)[.index]?[0].symbol { symbols.insert(index) }
    }
    return symbols
  }
}

extension Int {
  /// The least whole number whose square is at least this; 0 for what is negative.
  package var squareRootRoundedUp: Int {
    var root = Int(Double(Swift.max(0, self)).squareRoot())
    while root > 0, (root - 1).multipliedReportingOverflow(by: root - 1).partialValue >= self { root -= 1 }
    while root < 3_037_000_499, root * root < self { root += 1 }
    return root
  }
}

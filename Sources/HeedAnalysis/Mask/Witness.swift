import HeedIR

/// An index that all indices of the other side meet, so that none of them is alone: a key that every query sees, or a query that
/// sees every key.
package enum Witness: CaseIterable, Sendable {
  /// The index at the other one's own place.
  case own
  case first
}

extension ScalarFunction {
  /// A witness that no index of `side` is alone; nil where none is found.
  ///
  /// For queries, the condition at the pairs (i, i), or (i, 0), is a function of the query alone. It holds everywhere where its
  /// interval extension cannot fail over all queries, as many as indices are followed for. For keys, the pairs are (j, j) and (0, j).
  ///
  /// - Parameter hasOwn: whether each index of `side` is one of the other side as well.
  func witness(for side: IndexSide, hasOwn: Bool) throws -> Witness? {
    let count = parameters.count
    let (given, other) = side == .query ? (count - 2, count - 1) : (count - 1, count - 2)
    for witness in Witness.allCases where witness == .first || hasOwn {
      var code = FunctionBuilder(parameters: parameters, tables: tables)
      var arguments = (0..<count).map(parameter)
      arguments[other] = witness == .own ? arguments[given] : code.constant(Literal(0), code.type(arguments[other]))
      let results = code.inline(self, arguments)
      let function = code.finish(results)
      let interval = IntervalExtension(function)
      // The values of tables, extents and batch indices are not known here.
      guard interval.terms.isEmpty, function.symbols.isEmpty, !(0..<count - 2).contains(where: function.reads(parameter:)) else {
        continue
      }
      let (all, none) = (0...IndexMagnitudes.limit - 1, 0...0)
      let verdict = try interval.verdict(
        queries: side == .query ? all : none, keys: side == .query ? none : all, batch: Array(repeating: 0, count: count - 2))
      if !verdict.canFail { return witness }
    }
    return nil
  }
}

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
      let whole = code.finish(results)
      let open = whole.conjuncts(of: whole.results[0]).filter { !whole.holdsByBounds($0) }
      if open.isEmpty { return witness }
      let function = whole.holding(open)
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

extension ScalarFunction {
  /// Whether a comparison of integers holds whatever indices and extents are, as `0 <= i + P` does: neither is negative.
  fileprivate func holdsByBounds(_ part: Conjunct) -> Bool {
    guard let instruction = instruction(part.value), case .elementwise(let op) = instruction.operation,
      instruction.operands.count == 2, type(instruction.operands[0]).isInteger, let comparison = Comparison(op, part.want)
    else { return false }
    let (low, high) = comparison.ordered(instruction.operands[0], instruction.operands[1])
    guard let greatest = constant(low)?.integer, let least = least(high) else { return false }
    return switch comparison.relation {
    case .less: greatest < least
    case .lessEqual: greatest <= least
    case .equal, .notEqual: false
    }
  }

  /// A number that an integer value is not below; nil where none is known.
  private func least(_ value: ScalarValue) -> Int? {
    guard let instruction = instruction(value) else { return 0 }
    let operands = instruction.operands
    switch instruction.operation {
    case .constant(let literal): return Int(exactly: literal.integer)
    case .extent(let extent):
      let constant = extent.terms.filter(\.factors.isEmpty).reduce(0) { $0 + $1.coefficient }
      return (extent - Extent(constant)).isNeverNegative ? constant : extent.isNeverNegative ? 0 : nil
    case .elementwise(.add):
      guard let left = least(operands[0]), let right = least(operands[1]) else { return nil }
      let (sum, overflow) = left.addingReportingOverflow(right)
      return overflow ? nil : sum
    case .elementwise(.maximum): return operands.compactMap(least).max()
    case .elementwise(.minimum):
      guard let left = least(operands[0]), let right = least(operands[1]) else { return nil }
      return min(left, right)
    case .element, .elementwise: return nil
    }
  }
}

import HeedIR

/// The dimensions of a reshape in groups of neighbours ("runs"). The extents of a run have the same product on both sides, so that
/// its dimensions are split or merged among themselves.
struct ReshapeRuns {
  struct Run {
    var from: Range<Int>
    var to: Range<Int>
  }

  var runs: [Run] = []

  /// The shortest runs, or nil where the products do not meet before the end.
  init?(from: [Extent], to: [Extent], facts: [Fact]) {
    var (i, j) = (0, 0)
    while i < from.count || j < to.count {
      let start = (i, j)
      var (left, right) = (Extent(1), Extent(1))
      // One dimension of each side first; then the side that lacks a factor of the other's product takes its next.
      if i < from.count { (left, i) = (from[i], i + 1) }
      if j < to.count { (right, j) = (to[j], j + 1) }
      while !left.isEqual(to: right, given: facts) {
        if i < from.count, right.isMultiple(of: left) || j == to.count {
          (left, i) = (left * from[i], i + 1)
        } else if j < to.count {
          (right, j) = (right * to[j], j + 1)
        } else {
          return nil
        }
      }
      runs.append(Run(from: start.0..<i, to: start.1..<j))
    }
  }
}

extension Extent {
  /// Whether this product of constants and symbols contains every factor of `other`; false where either is a sum.
  func isMultiple(of other: Extent) -> Bool { quotient(by: other) != nil }

  /// Whether the extent is at least 1 wherever its symbols are.
  var isPositiveWhereSymbolsAre: Bool {
    var sum = 0
    for term in terms {
      for case .floorDivision in term.factors { return false }
      guard term.factors.isEmpty || term.coefficient > 0 else { return false }
      sum += term.coefficient
    }
    return sum >= 1
  }
}

extension ScalarFunction {
  /// The numbers of the parameters that `value` is computed from.
  func parameters(of value: ScalarValue) -> Set<Int> {
    var found: Set<Int> = []
    var seen: Set<ScalarValue> = []
    var pending = [value]
    while let next = pending.popLast() {
      guard seen.insert(next).inserted else { continue }
      if let instruction = instruction(next) { pending += instruction.operands } else { found.insert(next.index) }
    }
    return found
  }

  /// The numbers of the tables that `values` are computed from.
  func tables(of values: [ScalarValue]) -> Set<Int> {
    var found: Set<Int> = []
    var seen: Set<ScalarValue> = []
    var pending = values
    while let next = pending.popLast() {
      guard seen.insert(next).inserted, let instruction = instruction(next) else { continue }
      pending += instruction.operands
      if case .element(let table) = instruction.operation { found.insert(table) }
    }
    return found
  }
}

extension Graph {
  /// Whether the node is computed, through elementwise ops and views, with a gather or an op of many instructions, such as `exp`.
  func containsExpensiveOp(_ node: NodeID) -> Bool {
    values(below: results(node)[0], through: isElementwiseOrView).lazy.compactMap(definingNode).contains {
      op($0) == .gather || op($0).scalar?.expansion != nil
    }
  }
}

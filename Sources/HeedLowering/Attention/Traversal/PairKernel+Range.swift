import HeedAnalysis
import HeedIR
import HeedSchedule

extension PairKernel {
  /// The inner indices that a block's outer ones can see, counted from the first of the block: for keys from the start of a panel.
  func range(_ order: TraversalOrder, of block: PairBlock) throws -> InnerRange<IntegerExpression> {
    let (outer, inner) = order == .queryMajor ? (block.queries, block.keys) : (block.keys, block.queries)
    let range = order == .queryMajor ? mask.keysOfQueries : mask.queriesOfKeys
    guard range.isBounded else { return InnerRange(first: 0, end: inner.count, isBounded: false) }
    var uniform: [IntegerExpression] = []
    for term in mask.uniformNumbers {
      let value = builder.scalar("term", .i64)
      try builder.compute { body in
        body.store(try self.value(of: term, at: block.batch + [0, 0], in: &body), value.access)
      }
      uniform.append(builder.define("term", .clamped(value.value)))
    }
    let last = builder.define(order == .queryMajor ? "i1" : "j1", outer.last)
    let (low, high) = expressions(range, arguments: [outer.first, last, inner.first + inner.count] + block.batch + uniform) {
      builder.define("large", $0)
    }
    let step = IntegerExpression.constant(order == .queryMajor ? schedule.panelWidth : 1)
    let first = low.map { builder.define("first", .apply(.maximum, $0 - inner.first, 0) / step * step) }
    let end = high.map { builder.define("end", .smaller($0 - inner.first + 1, inner.count)) }
    return InnerRange(first: first ?? 0, end: end ?? inner.count, isBounded: true)
  }
}

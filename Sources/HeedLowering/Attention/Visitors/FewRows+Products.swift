import HeedIR

/// Products with keys and values as they are stored.
extension FewRows {
  func multiplyByStoredKeys(_ at: PairBlock, _ query: Place, into scores: Place, _ keys: Span) {
    builder.forEachRun(
      of: kernel.key, at.batch, from: keys.first, count: keys.count, alignment: Limits.keysOfPart, isReadAhead: true
    ) { run in
      let (rows, r) = builder.dimension("r", at.rowCount)
      let (columnDimension, c) = builder.dimension("c", run.count)
      let (depthDimension, d) = builder.dimension("d", .constant(shape.depth))
      var store = BodyBuilder(parameters: [ScalarFunction.Parameter("score", types.accumulator)])
      store.store(BodyValue(0), Access(scores, r, run.first + c))
      builder.contract(
        Contraction(
          rows: rows, columns: [columnDimension], over: [depthDimension], left: Access(query, r, d), right: run.access(c, d),
          ahead: run.accessAhead(c, d), accumulator: types.accumulator, epilogue: store.finish()))
    }
  }

  /// Adds the weighted sum of a part's values, some keys at a time: what does not fit in a register tile is met again while it is near.
  func addStoredValues(_ at: PairBlock, _ weights: Place, into accumulator: Place, _ keys: Span) {
    let width = IntegerExpression.constant(shape.valueWidth)
    builder.forEachRun(
      of: sum.value, at.batch, from: keys.first, count: keys.count, alignment: Limits.keysOfPart, isReadAhead: true
    ) { run in
      builder.loop("j1", to: run.count, step: Limits.keysAtOnce) { first in
        let (rowDimension, r) = builder.dimension("r", at.rowCount)
        let (valueColumns, e) = builder.dimension("e", width)
        let (keyDimension, j) = builder.dimension("j", .smaller(run.count - first, .constant(Limits.keysAtOnce)))
        var store = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", types.accumulator)])
        store.store(BodyValue(0), Access(accumulator, r, e))
        builder.contract(
          Contraction(
            rows: rowDimension, columns: [valueColumns], over: [keyDimension],
            left: Access(weights, r, run.first + first + j), right: run.access(first + j, e),
            ahead: run.accessAhead(first + j, e), initial: Access(accumulator, r, e), accumulator: types.accumulator,
            epilogue: store.finish()))
      }
    }
  }
}

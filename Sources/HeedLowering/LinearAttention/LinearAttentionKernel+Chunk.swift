import HeedIR

/// A chunk of rows: its results from the state before it, and the state after it.
extension LinearAttentionKernel {
  /// The element of a matrix at a row and a column.
  typealias Elements = (_ row: IntegerExpression, _ column: IntegerExpression) -> Access

  private func elements(_ tile: Place) -> Elements { { Access(tile, $0, $1) } }

  private var depth: IntegerExpression { .constant(shape.depth) }
  private var width: IntegerExpression { .constant(shape.width) }

  func attend(_ at: LinearAttentionChunk, _ state: LinearAttentionState) throws {
    let (chunk, output) = (shape.chunk, results.output)
    let query = builder.tile("query", element, [chunk, max(shape.depth, 1)])
    let keys = builder.tile("keys", element, [max(shape.depth, 1), chunk])
    let weights = builder.tile("weights", element, [chunk, chunk])
    let results = builder.tile("results", element, [chunk, max(shape.width, 1)])
    let denominators = epsilon == nil ? nil : builder.tile("denominators", element, [chunk])
    load(operands.query, at) { Access(query, $0, $1) }
    load(operands.key, at, isTransposed: true) { Access(keys, $1, $0) }
    let values = loadValues(at)
    let decays = try operands.decay.map { try loadDecays($0, at) }

    // From the chunks before.
    try contract(at.rows, width, over: depth, query, elements(state.matrix)) { body, r, e in
      var sum = BodyValue(0)
      if let decays { sum = body.apply(.multiply, sum, body.load(Access(decays.ofRow, r), element)) }
      body.store(sum, Access(results, r, e))
    }
    if let denominators, let keySum = state.sum { try sumFromState(at, query, keySum, decays, into: denominators) }

    // Within the chunk: the triangle of pairs.
    try contract(at.rows, at.rows, over: depth, query, elements(keys)) { body, r, c in
      body.store(body.apply(.select, isLive(r, c, in: &body), BodyValue(0), body.constant(0, element)), Access(weights, r, c))
    }
    if decays != nil || denominators != nil { try finishWeights(at, weights, decays, denominators) }
    if let denominators { try invert(denominators, at) }
    /// The results of the chunk from the sums of its values.
    func store(_ sum: BodyValue, _ r: IntegerExpression, _ e: IntegerExpression, in body: inout BodyBuilder) {
      let factor = denominators.map { body.load(Access($0, r), element) }
      body.store(factor.map { body.apply(.multiply, sum, $0) } ?? sum, output.access(at.batch + [at.first + r, e]))
    }
    try builder.branch(.notEqual(hasInfinite(values, at).value, 0)) {
      addKeyByKey(weights, values, to: results, at)
      builder.map([("r", at.rows), ("e", width)]) { body, index in
        store(body.load(Access(results, index[0], index[1]), element), index[0], index[1], in: &body)
      }
    } otherwise: {
      try contract(at.rows, width, over: at.rows, weights, values, from: results) { body, r, e in
        store(BodyValue(0), r, e, in: &body)
      }
    }
    try carry(state, keys, values, decays, at)
  }

  /// Whether the query of a row reads the key of a column's row.
  private func isLive(_ row: IntegerExpression, _ column: IntegerExpression, in body: inout BodyBuilder) -> BodyValue {
    let comparison: Op = isReverse ? isExclusive ? .greater : .greaterEqual : isExclusive ? .less : .lessEqual
    return body.apply(comparison, body.index(column, .i32), body.index(row, .i32))
  }

  /// What the chunks before add to the denominators: each query times the sum of their keys.
  private func sumFromState(
    _ at: LinearAttentionChunk, _ query: Place, _ keySum: Place, _ decays: Decays?, into denominators: Place
  ) throws {
    builder.map([("r", at.rows)]) { body, index in body.store(body.constant(0, element), Access(denominators, index[0])) }
    builder.map([("r", at.rows), ("d", depth)]) { body, index in
      var product = body.apply(
        .multiply, body.load(Access(query, index[0], index[1]), element), body.load(Access(keySum, index[1]), element))
      if let decays { product = body.apply(.multiply, product, body.load(Access(decays.ofRow, index[0]), element)) }
      body.accumulate(.add, product, Access(denominators, index[0]))
    }
  }

  /// The weights of a chunk's pairs with their decays, and what they add to the denominators.
  private func finishWeights(
    _ at: LinearAttentionChunk, _ weights: Place, _ decays: Decays?, _ denominators: Place?
  ) throws {
    builder.map([("r", at.rows), ("c", at.rows)]) { body, index in
      let (r, c) = (index[0], index[1])
      var weight = body.load(Access(weights, r, c), element)
      if let decays {
        let (ofRow, ofColumn) = (
          body.load(Access(decays.logarithms, r), element), body.load(Access(decays.logarithms, c), element)
        )
        // A dead pair's exponent may be large.
        let difference = isReverse ? body.apply(.subtract, ofColumn, ofRow) : body.apply(.subtract, ofRow, ofColumn)
        let exponent = body.apply(.select, isLive(r, c, in: &body), difference, body.constant(0, element))
        weight = body.apply(.multiply, weight, body.apply(.exp, exponent))
        body.store(weight, Access(weights, r, c))
      }
      if let denominators { body.accumulate(.add, weight, Access(denominators, r)) }
    }
  }

  /// Not 0 where a value of the chunk is NaN or infinite: 0 times it is not 0, and rows before it would see it.
  private func hasInfinite(_ values: Elements, _ at: LinearAttentionChunk) -> Scalar {
    let found = builder.scalar("has_infinite", .i32, initial: .expression(0))
    builder.map([("c", at.rows), ("e", width)]) { body, index in
      let value = body.load(values(index[0], index[1]), element)
      let isInfinite = body.apply(.notEqual, body.apply(.subtract, value, value), body.constant(0, element))
      body.accumulate(.maximum, body.apply(.convert, isInfinite, type: .i32), found.access)
    }
    return found
  }

  /// Adds the values of a chunk's keys to the rows that read them.
  private func addKeyByKey(_ weights: Place, _ values: Elements, to results: Place, _ at: LinearAttentionChunk) {
    builder.loop("j", to: at.rows) { j in
      let next = isExclusive ? j + 1 : j
      let (first, count) = isReverse ? (0, isExclusive ? j : j + 1) : (next, at.rows - next)
      builder.map([("r", count), ("e", width)]) { body, index in
        let row = isReverse ? index[0] : first + index[0]
        let place = Access(results, row, index[1])
        let (weight, value) = (body.load(Access(weights, row, j), element), body.load(values(j, index[1]), element))
        body.store(body.apply(.fusedMultiplyAdd, weight, value, body.load(place, element)), place)
      }
    }
  }

  /// 1 by each denominator, 0 where that is 0.
  private func invert(_ denominators: Place, _ at: LinearAttentionChunk) throws {
    builder.map([("r", at.rows)]) { body, index in
      let sum = body.load(Access(denominators, index[0]), element)
      let total = body.apply(.add, sum, body.constant(epsilon!, element))
      let zero = body.constant(0, element)
      let inverse = body.apply(.divide, body.constant(1, element), total)
      body.store(body.apply(.select, body.apply(.equal, total, zero), zero, inverse), Access(denominators, index[0]))
    }
  }

  /// The state with the chunk's keys and values.
  private func carry(
    _ state: LinearAttentionState, _ keys: Place, _ values: Elements, _ decays: Decays?, _ at: LinearAttentionChunk
  ) throws {
    if let decays {
      builder.map([("d", depth), ("c", at.rows)]) { body, index in
        let (key, factor) = (
          body.load(Access(keys, index[0], index[1]), element), body.load(Access(decays.toEnd, index[1]), element)
        )
        body.store(body.apply(.multiply, key, factor), Access(keys, index[0], index[1]))
      }
      builder.map([("d", depth), ("e", width)]) { body, index in
        let place = Access(state.matrix, index[0], index[1])
        let factor = body.load(decays.ofChunk.access, element)
        body.store(body.apply(.multiply, body.load(place, element), factor), place)
      }
      if let sum = state.sum {
        builder.map([("d", depth)]) { body, index in
          let factor = body.load(decays.ofChunk.access, element)
          let place = Access(sum, index[0])
          body.store(body.apply(.multiply, body.load(place, element), factor), place)
        }
      }
    }
    try contract(depth, width, over: at.rows, keys, values, from: state.matrix) { body, d, e in
      body.store(BodyValue(0), Access(state.matrix, d, e))
    }
    guard let sum = state.sum else { return }
    builder.map([("d", depth), ("c", at.rows)]) { body, index in
      body.accumulate(.add, body.load(Access(keys, index[0], index[1]), element), Access(sum, index[0]))
    }
  }

  /// A product of `rows` x `columns`, with what is done with each sum: its value is the first of the body.
  private func contract(
    _ rows: IntegerExpression, _ columns: IntegerExpression, over depth: IntegerExpression,
    _ left: Place, _ right: Elements, from initial: Place? = nil,
    _ epilogue: (_ body: inout BodyBuilder, _ row: IntegerExpression, _ column: IntegerExpression) throws -> Void
  ) throws {
    let ((rowDimension, r), (columnDimension, c)) = (builder.dimension("r", rows), builder.dimension("c", columns))
    let (depthDimension, k) = builder.dimension("k", depth)
    var body = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", element)])
    try epilogue(&body, r, c)
    builder.contract(
      Contraction(
        rows: rowDimension, columns: [columnDimension], over: [depthDimension], left: Access(left, r, k), right: right(k, c),
        initial: initial.map { Access($0, r, c) }, accumulator: element, epilogue: body.finish()))
  }
}

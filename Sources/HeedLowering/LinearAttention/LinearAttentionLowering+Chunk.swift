import HeedIR

/// A chunk of rows: its results from the state before it, and the state after it.
extension LinearAttentionLowering {
  /// The rows of a chunk: the fewer, the fewer products of pairs within it, half of them dead, and the more often the state is read and
  /// written. What a chunk works on then also fits the first-level cache beside a small state.
  ///
  /// Measured with widths of 32, 64 and 128, chunks of 16, 24, 32 and 48: 16 are 46%, 10% and -12% faster than 32, more are slower.
  static func rowsOfChunk(stateBytes: Int) -> Int { stateBytes <= 32 << 10 ? 16 : 32 }

  /// The decays of a chunk, each the factor e to a sum of logarithms from one row to another.
  private struct Decays {
    /// The sums of the logarithms up to each row, its own included.
    let logarithms: Place
    /// The factor from the chunk's begin to each row.
    let ofRow: Place
    /// The factor from each row to the chunk's end.
    let toEnd: Place
    /// The factor over the whole chunk: one number.
    let ofChunk: Place
  }

  /// The element of a matrix at a row and a column.
  private typealias Elements = (_ row: IntegerExpression, _ column: IntegerExpression) -> Access

  private func elements(_ tile: Place) -> Elements { { Access(tile, $0, $1) } }

  mutating func attend(_ at: LinearAttentionChunk, _ state: LinearAttentionState, in block: inout [Statement]) throws {
    let (element, decay, output, epsilon) = (element, decay, output, epsilon)
    let (rows, depth, width) = (at.rows, IntegerExpression.constant(depth), IntegerExpression.constant(width))
    let query = builder.tile("query", element, [chunk, max(self.depth, 1)], in: &block)
    let keys = builder.tile("keys", element, [max(self.depth, 1), chunk], in: &block)
    let weights = builder.tile("weights", element, [chunk, chunk], in: &block)
    let results = builder.tile("results", element, [chunk, max(self.width, 1)], in: &block)
    let denominators = epsilon == nil ? nil : builder.tile("denominators", element, [chunk], in: &block)
    try load(self.query, at, in: &block) { Access(query, $0, $1) }
    try load(key, at, in: &block, isTransposed: true) { Access(keys, $1, $0) }
    let values = try valuesOf(at, in: &block)
    let decays = try decay.map { try loadDecays($0, at, in: &block) }

    // From the chunks before.
    try contract(
      rows, width, over: depth, query, elements(state.matrix), in: &block
    ) { body, r, e in
      var sum = BodyValue(0)
      if let decays { sum = try body.apply(.multiply, sum, body.load(Access(decays.ofRow, r), element)) }
      body.store(sum, Access(results, r, e))
    }
    if let denominators, let keySum = state.sum {
      builder.map([("r", rows)], in: &block) { body, index in
        body.store(body.constant(0, element), Access(denominators, index[0]))
      }
      try builder.map([("r", rows), ("d", depth)], in: &block) { body, index in
        var product = try body.apply(
          .multiply, body.load(Access(query, index[0], index[1]), element), body.load(Access(keySum, index[1]), element))
        if let decays { product = try body.apply(.multiply, product, body.load(Access(decays.ofRow, index[0]), element)) }
        body.accumulate(.add, product, Access(denominators, index[0]))
      }
    }

    // Within the chunk: the triangle of pairs.
    try contract(rows, rows, over: depth, query, elements(keys), in: &block) { body, r, c in
      let isLive = try body.apply(.lessEqual, body.index(c, .i32), body.index(r, .i32))
      body.store(try body.apply(.select, isLive, BodyValue(0), body.constant(0, element)), Access(weights, r, c))
    }
    if decays != nil || denominators != nil {
      try builder.map([("r", rows), ("c", rows)], in: &block) { body, index in
        let (r, c) = (index[0], index[1])
        var weight = body.load(Access(weights, r, c), element)
        if let decays {
          let (ofRow, ofColumn) = (
            body.load(Access(decays.logarithms, r), element), body.load(Access(decays.logarithms, c), element)
          )
          // A dead pair's exponent may be large.
          let isLive = try body.apply(.lessEqual, body.index(c, .i32), body.index(r, .i32))
          let exponent = try body.apply(
            .select, isLive, try body.apply(.subtract, ofRow, ofColumn), body.constant(0, element))
          weight = try body.apply(.multiply, weight, try body.apply(.exp, exponent))
          body.store(weight, Access(weights, r, c))
        }
        if let denominators { body.accumulate(.add, weight, Access(denominators, r)) }
      }
    }
    if let denominators, let epsilon {
      // 1 by the denominator, 0 where that is 0.
      try builder.map([("r", rows)], in: &block) { body, index in
        let sum = body.load(Access(denominators, index[0]), element)
        let total = try body.apply(.add, sum, body.constant(epsilon, element))
        let zero = body.constant(0, element)
        let inverse = try body.apply(.divide, body.constant(1, element), total)
        body.store(try body.apply(.select, try body.apply(.equal, total, zero), zero, inverse), Access(denominators, index[0]))
      }
    }
    try contract(
      rows, width, over: rows, weights, values, from: results, in: &block
    ) { body, r, e in
      var sum = BodyValue(0)
      if let denominators { sum = try body.apply(.multiply, sum, body.load(Access(denominators, r), element)) }
      body.store(sum, output.access(at.batch + [at.first + r, e]))
    }
    try carry(state, keys, values, decays, at, in: &block)
  }

  /// The state with the chunk's keys and values.
  private mutating func carry(
    _ state: LinearAttentionState, _ keys: Place, _ values: @escaping Elements,
    _ decays: Decays?, _ at: LinearAttentionChunk, in block: inout [Statement]
  ) throws {
    let (element, depth, width) = (element, IntegerExpression.constant(depth), IntegerExpression.constant(width))
    if let decays {
      try builder.map([("d", depth), ("c", at.rows)], in: &block) { body, index in
        let (key, factor) = (
          body.load(Access(keys, index[0], index[1]), element), body.load(Access(decays.toEnd, index[1]), element)
        )
        body.store(try body.apply(.multiply, key, factor), Access(keys, index[0], index[1]))
      }
      try builder.map([("d", depth), ("e", width)], in: &block) { body, index in
        let place = Access(state.matrix, index[0], index[1])
        let factor = body.load(Access(decays.ofChunk), element)
        body.store(try body.apply(.multiply, body.load(place, element), factor), place)
      }
      if let sum = state.sum {
        try builder.map([("d", depth)], in: &block) { body, index in
          let factor = body.load(Access(decays.ofChunk), element)
          let place = Access(sum, index[0])
          body.store(try body.apply(.multiply, body.load(place, element), factor), place)
        }
      }
    }
    try contract(
      depth, width, over: at.rows, keys, values, from: state.matrix, in: &block
    ) { body, d, e in body.store(BodyValue(0), Access(state.matrix, d, e)) }
    guard let sum = state.sum else { return }
    builder.map([("d", depth), ("c", at.rows)], in: &block) { body, index in
      body.accumulate(.add, body.load(Access(keys, index[0], index[1]), element), Access(sum, index[0]))
    }
  }

  /// The rows of a chunk in a tile.
  private mutating func load(
    _ view: BoundView, _ at: LinearAttentionChunk, in block: inout [Statement], isTransposed: Bool = false,
    _ place: (_ row: IntegerExpression, _ column: IntegerExpression) -> Access
  ) throws {
    let element = element
    let (rows, depth): ((Name, IntegerExpression), (Name, IntegerExpression)) = (("r", at.rows), ("d", .constant(self.depth)))
    builder.map(isTransposed ? [depth, rows] : [rows, depth], in: &block) { body, index in
      let (r, d) = isTransposed ? (index[1], index[0]) : (index[0], index[1])
      body.store(body.load(view.access(at.batch + [at.first + r, d]), element), place(r, d))
    }
  }

  /// Where products read the values of a chunk: where they are stored, or a tile.
  private mutating func valuesOf(
    _ at: LinearAttentionChunk, in block: inout [Statement]
  ) throws -> Elements {
    let (value, element) = (value, element)
    if readsValues { return { value.access(at.batch + [at.first + $0, $1]) } }
    let tile = builder.tile("values", element, [chunk, max(width, 1)], in: &block)
    builder.map([("r", at.rows), ("e", .constant(width))], in: &block) { body, index in
      body.store(body.load(value.access(at.batch + [at.first + index[0], index[1]]), element), Access(tile, index[0], index[1]))
    }
    return elements(tile)
  }

  /// The sums of the logarithms of the chunk's decays, and the factors made of them.
  private mutating func loadDecays(
    _ decay: BoundSource, _ at: LinearAttentionChunk, in block: inout [Statement]
  ) throws -> Decays {
    let element = element
    let decays = Decays(
      logarithms: builder.tile("decay", element, [chunk], in: &block),
      ofRow: builder.tile("row_decay", element, [chunk], in: &block),
      toEnd: builder.tile("end_decay", element, [chunk], in: &block),
      ofChunk: builder.scalar("chunk_decay", element, in: &block))
    let total = builder.scalar("total", element, initial: .literal(Literal(0.0)), in: &block)
    let row = builder.variable("t")
    var round: [Statement] = []
    try builder.compute(in: &round) { body in
      let next = decay.read(at.batch + [at.first + .variable(row)], as: element, in: &body)
      let sum = try body.apply(.add, body.load(Access(total), element), next)
      body.store(sum, Access(total))
      body.store(sum, Access(decays.logarithms, .variable(row)))
    }
    block.append(.loop(Loop(row, from: 0, to: at.rows, step: 1, body: round)))
    try builder.map([("r", at.rows)], in: &block) { body, index in
      let sum = body.load(Access(decays.logarithms, index[0]), element)
      let rest = try body.apply(.subtract, body.load(Access(total), element), sum)
      body.store(try body.apply(.exp, sum), Access(decays.ofRow, index[0]))
      body.store(try body.apply(.exp, rest), Access(decays.toEnd, index[0]))
    }
    try builder.compute(in: &block) { body in
      body.store(try body.apply(.exp, body.load(Access(total), element)), Access(decays.ofChunk))
    }
    return decays
  }

  /// A product of `rows` x `columns`, with what is done with each sum: its value is the first of the body.
  private mutating func contract(
    _ rows: IntegerExpression, _ columns: IntegerExpression, over depth: IntegerExpression,
    _ left: Place, _ right: Elements, from initial: Place? = nil, in block: inout [Statement],
    _ epilogue: (_ body: inout Body, _ row: IntegerExpression, _ column: IntegerExpression) throws -> Void
  ) throws {
    let ((rowDimension, r), (columnDimension, c)) = (builder.dimension("r", rows), builder.dimension("c", columns))
    let (depthDimension, k) = builder.dimension("k", depth)
    var body = Body(parameters: [ScalarFunction.Parameter("sum", element)])
    try epilogue(&body, r, c)
    block.append(
      .contract(
        Contraction(
          rows: rowDimension, columns: [columnDimension], over: [depthDimension], left: Access(left, r, k), right: right(k, c),
          initial: initial.map { Access($0, r, c) }, accumulator: element, epilogue: body)))
  }
}

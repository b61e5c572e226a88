import HeedIR

/// The phase that attends: a block of query rows against all its keys.
extension AttentionLowering {
  /// The scratch tiles of a block of query rows.
  private struct Tiles {
    /// The rows' queries, scaled: [rows, depth].
    var query: Place
    /// The scores of a block of keys, then their weights: [rows, keys].
    var scores: Place
    /// The weighted sum of values so far: [rows, value width].
    var accumulator: Place
    /// The greatest score of each row so far.
    var maximum: Place
    /// The sum of each row's weights so far.
    var sum: Place
    /// The greatest score of each row in the block of keys, then the shift of the row's scores.
    var blockMaximum: Place
    /// What a row's sums are multiplied by when its maximum moves.
    var rescale: Place
    /// Not 0 where some row's maximum moved.
    var moved: Place
  }

  /// Where a block of rows and its keys lie.
  private struct Extents {
    var batch: [IntegerExpression]
    var firstRow: IntegerExpression
    var rows: IntegerExpression
    var firstKey: IntegerExpression
    var keyCount: IntegerExpression
    var firstPanel: IntegerExpression
    /// True where every block of keys is full.
    var isEvenlyBlocked = false
    var depth: IntegerExpression
    var valueWidth: IntegerExpression
  }

  mutating func attend(context: inout LoweringContext) throws {
    let (domain, indices) = batchDomain(Array(0..<batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(queries.dividedRoundingUp(by: rowBlock)))
    var body: [Statement] = []
    let firstRow = builder.define("i0", block * .constant(rowBlock), in: &body)
    let rows = builder.define("rows", .blockSize(queries, block: firstRow, size: rowBlock), in: &body)
    try attend(
      Extents(
        batch: indices, firstRow: firstRow, rows: rows, firstKey: 0, keyCount: IntegerExpression(keys), firstPanel: 0,
        isEvenlyBlocked: keys.dividedExactly(by: keyBlock) != nil, depth: IntegerExpression(depth),
        valueWidth: IntegerExpression(valueWidth)),
      context: &context, in: &body)
    builder.phase("attend", domain + [blocks], body)
  }

  mutating func attendSegments(_ table: Place, _ blockCount: Extent, context: inout LoweringContext) throws {
    let (domain, indices) = batchDomain(Array(0..<batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(blockCount))
    var body: [Statement] = []
    let segment = builder.define("s", .load(Access(table, block)), in: &body)
    var used: [Statement] = []
    let (start, length) = segmentBounds(segment, in: &used)
    let local = builder.define("local", (block - start / .constant(rowBlock) - segment) * .constant(rowBlock), in: &used)
    let rows = builder.define("rows", .smaller(length - local, .constant(rowBlock)), in: &used)
    let firstRow = builder.define("i0", start + local, in: &used)
    let firstPanel = builder.define("first_panel", start / .constant(panelWidth) + segment, in: &used)
    try attend(
      Extents(
        batch: indices, firstRow: firstRow, rows: rows, firstKey: start, keyCount: length, firstPanel: firstPanel,
        depth: IntegerExpression(depth), valueWidth: IntegerExpression(valueWidth)),
      context: &context, in: &used)
    body.append(.branch(condition: .apply(.lessEqual, 0, segment), then: used, otherwise: []))
    builder.phase("attend", domain + [blocks], body)
  }

  /// A block of query rows against its keys, block by block, with running maxima and sums.
  private mutating func attend(_ at: Extents, context: inout LoweringContext, in block: inout [Statement]) throws {
    guard let depth = depth.constant, let valueWidth = valueWidth.constant else {
      throw context.unsupported(node, "the head widths must be constants")
    }
    let tiles = Tiles(
      query: builder.tile("query", element, [rowBlock, max(depth, 1)], in: &block),
      scores: builder.tile("scores", element, [rowBlock, keyBlock], in: &block),
      accumulator: builder.tile("accumulator", element, [rowBlock, max(valueWidth, 1)], in: &block),
      maximum: builder.tile("maximum", element, [rowBlock], in: &block),
      sum: builder.tile("sum", element, [rowBlock], in: &block),
      blockMaximum: builder.tile("block_maximum", element, [rowBlock], in: &block),
      rescale: builder.tile("rescale", element, [rowBlock], in: &block),
      moved: builder.tile("moved", .i32, [1], in: &block))
    try begin(at, tiles, in: &block)

    let keyStart = builder.variable("j0")
    let j0 = IntegerExpression.variable(keyStart)
    var round: [Statement] = []
    let columns =
      at.isEvenlyBlocked
      ? .constant(keyBlock) : builder.define("columns", .smaller(at.keyCount - j0, .constant(keyBlock)), in: &round)
    let verdict = verdict(at, j0, columns, context: &context, in: &round)
    var live: [Statement] = []
    multiplyByKeys(at, tiles, j0, columns, in: &live)
    try applyRegions(at, tiles, j0, columns, verdict, in: &live)
    try moveMaximum(at, tiles, in: &live)
    try weigh(at, tiles, columns, in: &live)
    multiplyByValues(at, tiles, j0, columns, in: &live)
    if verdict.canHold == 1 {
      round += live
    } else {
      round.append(.branch(condition: verdict.canHold, then: live, otherwise: []))
    }
    block.append(.loop(Loop(keyStart, from: 0, to: at.keyCount, step: keyBlock, body: round)))
    try finish(at, tiles, in: &block)
  }

  /// The scaled queries in scratch memory, sums at 0, maxima at -inf.
  private mutating func begin(_ at: Extents, _ tiles: Tiles, in block: inout [Statement]) throws {
    let (query, element, scale) = (query, element, foldedScale ?? 1)
    try builder.map([("r", at.rows), ("d", at.depth)], in: &block) { body, index in
      let x = body.load(query.access(at.batch + [at.firstRow + index[0], index[1]]), element)
      body.store(try body.apply(.multiply, x, body.constant(scale, element)), Access(tiles.query, index[0], index[1]))
    }
    builder.map([("r", at.rows), ("e", at.valueWidth)], in: &block) { body, index in
      body.store(body.constant(0, element), Access(tiles.accumulator, index[0], index[1]))
    }
    builder.map([("r", at.rows)], in: &block) { body, index in
      body.store(body.constant(-.infinity, element), Access(tiles.maximum, index[0]))
      body.store(body.constant(0, element), Access(tiles.sum, index[0]))
    }
  }

  /// What the interval twin says of the block of keys.
  private mutating func verdict(
    _ at: Extents, _ j0: IntegerExpression, _ columns: IntegerExpression, context: inout LoweringContext,
    in block: inout [Statement]
  ) -> IntervalTwin.Verdict {
    guard isMasked else { return IntervalTwin.Verdict(canHold: 1, canFail: 0) }
    let rectangle = IndexRectangle(
      firstQuery: at.firstRow, lastQuery: at.firstRow + at.rows - 1, firstKey: at.firstKey + j0,
      lastKey: at.firstKey + j0 + columns - 1)
    var verdict = IntervalTwin.verdict(of: condition, over: rectangle, uniform: at.batch, builder: &builder, block: &block)
    verdict.canHold = builder.define("live", verdict.canHold, in: &block)
    verdict.canFail = builder.define("partial", verdict.canFail, in: &block)
    describe(verdict, context: &context)
    return verdict
  }

  private mutating func multiplyByKeys(
    _ at: Extents, _ tiles: Tiles, _ j0: IntegerExpression, _ columns: IntegerExpression, in block: inout [Statement]
  ) {
    let (rows, r) = builder.dimension("r", at.rows)
    let (panelDimension, p) = builder.dimension("p", columns.ceilingDivided(by: panelWidth))
    let (columnDimension, c) = builder.dimension("c", .constant(panelWidth))
    let (depthDimension, d) = builder.dimension("d", at.depth)
    var store = Body(parameters: [ScalarFunction.Parameter("score", element)])
    store.store(BodyValue(0), Access(tiles.scores, r, p * .constant(panelWidth) + c))
    let panel = panelDimensions.map { at.batch[$0] } + [at.firstPanel + j0 / .constant(panelWidth) + p, d, c]
    block.append(
      .contract(
        Contraction(
          rows: rows, columns: [panelDimension, columnDimension], over: [depthDimension], left: Access(tiles.query, r, d),
          right: Access(panels, panel.map { Access.Index($0) }), accumulator: element, epilogue: store)))
  }

  /// The score and where regions on the block of scores, and the maximum of each row. The where region runs only where the twin
  /// could not rule it out.
  private mutating func applyRegions(
    _ at: Extents, _ tiles: Tiles, _ j0: IntegerExpression, _ columns: IntegerExpression, _ verdict: IntervalTwin.Verdict,
    in block: inout [Statement]
  ) throws {
    let element = element
    builder.map([("r", at.rows)], in: &block) { body, index in
      body.store(body.constant(-.infinity, element), Access(tiles.blockMaximum, index[0]))
    }
    func sweep(isPartial: Bool) throws -> [Statement] {
      var sweep: [Statement] = []
      let lowering = self
      try builder.map([("r", at.rows), ("c", columns)], in: &sweep) { body, index in
        let place = Access(tiles.scores, index[0], index[1])
        let raw = body.load(place, element)
        let indices = at.batch + [at.firstRow + index[0], at.firstKey + j0 + index[1]]
        var result = raw
        if lowering.foldedScale == nil {
          result = lowering.inline(lowering.score, [raw], indices, in: &body)
        }
        if isPartial {
          let isLive = lowering.inline(lowering.condition, [], indices, in: &body)
          result = try body.apply(.select, isLive, result, body.constant(-.infinity, element))
        }
        if result != raw { body.store(result, place) }
        body.accumulate(.maximum, result, Access(tiles.blockMaximum, index[0]))
      }
      return sweep
    }
    switch verdict.canFail {
    case 0: block += try sweep(isPartial: false)
    case 1: block += try sweep(isPartial: true)
    default:
      block.append(.branch(condition: verdict.canFail, then: try sweep(isPartial: true), otherwise: try sweep(isPartial: false)))
    }
  }

  /// e to the difference of two scores. Where log2(e) is folded into the query, scores are in units of log 2 already; else it is
  /// applied to the difference, which cannot overflow where the scores do not.
  private func power(_ difference: BodyValue, in body: inout Body) throws -> BodyValue {
    let exponent = foldedScale == nil ? try body.apply(.multiply, difference, body.constant(Self.log2e, element)) : difference
    return try body.apply(.exp2, exponent)
  }

  /// The new maxima, and the sums so far rescaled to them. A row that has seen nothing live is shifted by 0: -inf - -inf is NaN.
  private mutating func moveMaximum(_ at: Extents, _ tiles: Tiles, in block: inout [Statement]) throws {
    let (element, lowering) = (element, self)
    builder.map([("u", 1)], in: &block) { body, _ in
      body.store(body.append(Body.Instruction(.constant(Literal(0)), type: .i32)), Access(tiles.moved, 0))
    }
    try builder.map([("r", at.rows)], in: &block) { body, index in
      let old = body.load(Access(tiles.maximum, index[0]), element)
      let new = try body.apply(.maximum, old, body.load(Access(tiles.blockMaximum, index[0]), element))
      let isDead = try body.apply(.equal, new, body.constant(-.infinity, element))
      let shift = try body.apply(.select, isDead, body.constant(0, element), new)
      let factor = try lowering.power(try body.apply(.subtract, old, shift), in: &body)
      body.store(new, Access(tiles.maximum, index[0]))
      body.store(shift, Access(tiles.blockMaximum, index[0]))
      body.store(factor, Access(tiles.rescale, index[0]))
      body.store(try body.apply(.multiply, body.load(Access(tiles.sum, index[0]), element), factor), Access(tiles.sum, index[0]))
      let hasMoved = try body.apply(.convert, try body.apply(.notEqual, old, new), type: .i32)
      body.accumulate(.maximum, hasMoved, Access(tiles.moved, 0))
    }
    var rescaling: [Statement] = []
    try builder.map([("r", at.rows), ("e", at.valueWidth)], in: &rescaling) { body, index in
      let place = Access(tiles.accumulator, index[0], index[1])
      let factor = body.load(Access(tiles.rescale, index[0]), element)
      body.store(try body.apply(.multiply, body.load(place, element), factor), place)
    }
    block.append(.branch(condition: .apply(.notEqual, .load(Access(tiles.moved, 0)), 0), then: rescaling, otherwise: []))
  }

  /// The weights 2^(score - shift), and their sums.
  private mutating func weigh(_ at: Extents, _ tiles: Tiles, _ columns: IntegerExpression, in block: inout [Statement]) throws {
    let (element, lowering) = (element, self)
    try builder.map([("r", at.rows), ("c", columns)], in: &block) { body, index in
      let place = Access(tiles.scores, index[0], index[1])
      let shift = body.load(Access(tiles.blockMaximum, index[0]), element)
      let weight = try lowering.power(try body.apply(.subtract, body.load(place, element), shift), in: &body)
      body.store(weight, place)
      body.accumulate(.add, weight, Access(tiles.sum, index[0]))
    }
  }

  private mutating func multiplyByValues(
    _ at: Extents, _ tiles: Tiles, _ j0: IntegerExpression, _ columns: IntegerExpression, in block: inout [Statement]
  ) {
    let (rows, r) = builder.dimension("r", at.rows)
    let (valueColumns, e) = builder.dimension("e", at.valueWidth)
    let (keyDimension, j) = builder.dimension("j", columns)
    var store = Body(parameters: [ScalarFunction.Parameter("sum", element)])
    store.store(BodyValue(0), Access(tiles.accumulator, r, e))
    block.append(
      .contract(
        Contraction(
          rows: rows, columns: [valueColumns], over: [keyDimension], left: Access(tiles.scores, r, j),
          right: value.access(at.batch + [at.firstKey + j0 + j, e]), initial: Access(tiles.accumulator, r, e), accumulator: element,
          epilogue: store)))
  }

  /// The sums divided by the weights' sums; 0 where nothing was live.
  private mutating func finish(_ at: Extents, _ tiles: Tiles, in block: inout [Statement]) throws {
    let (element, output) = (element, output)
    try builder.map([("r", at.rows)], in: &block) { body, index in
      let total = body.load(Access(tiles.sum, index[0]), element)
      let isEmpty = try body.apply(.equal, total, body.constant(0, element))
      let inverse = try body.apply(.divide, body.constant(1, element), total)
      body.store(try body.apply(.select, isEmpty, body.constant(0, element), inverse), Access(tiles.sum, index[0]))
    }
    try builder.map([("r", at.rows), ("e", at.valueWidth)], in: &block) { body, index in
      let sum = body.load(Access(tiles.accumulator, index[0], index[1]), element)
      let inverse = body.load(Access(tiles.sum, index[0]), element)
      body.store(try body.apply(.multiply, sum, inverse), output.access(at.batch + [at.firstRow + index[0], index[1]]))
    }
  }
}

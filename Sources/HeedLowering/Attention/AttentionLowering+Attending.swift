import HeedIR

/// The phase that attends: a block of query rows against all its keys.
extension AttentionLowering {
  /// The scratch tiles of a block of query rows.
  private struct Tiles {
    /// The rows' queries, scaled: [rows, depth].
    var query: Place
    /// The scores of a block of keys: [rows, keys].
    var scores: Place
    /// The weights of a block of keys, in place of the scores where they have one type.
    var weights: Place
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

  mutating func attend(_ packed: PackedKeys, context: inout LoweringContext) throws {
    let widths = try constantWidths(context)
    let (domain, indices) = batchDomain(Array(0..<batchRank))
    let (blocks, block) = builder.dimension(
      "t", IntegerExpression(queries.dividedRoundingUp(by: rowBlock)) * (1 - hasFewRows))
    var body: [Statement] = []
    let firstRow = builder.define("i0", block * .constant(rowBlock), in: &body)
    let rows = builder.define("rows", .blockSize(queries, block: firstRow, size: rowBlock), in: &body)
    try attend(
      ScoreBlock(
        batch: indices, firstRow: firstRow, rows: rows, rowCount: rows, firstKey: 0, keyCount: IntegerExpression(keys),
        packed: packed.at(panelDimensions.map { indices[$0] }), isEvenlyBlocked: keys.dividedExactly(by: keyBlock) != nil,
        depth: widths.depth, valueWidth: widths.value),
      context: &context, in: &body)
    builder.phase("attend", domain + [blocks], body)
  }

  mutating func attendSegments(
    _ table: Place, _ blockCount: Extent, _ packed: PackedKeys, context: inout LoweringContext
  ) throws {
    let widths = try constantWidths(context)
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
      ScoreBlock(
        batch: indices, firstRow: firstRow, rows: rows, rowCount: rows, firstKey: start, keyCount: length, firstPanel: firstPanel,
        packed: packed.at(panelDimensions.map { indices[$0] }), depth: widths.depth, valueWidth: widths.value),
      context: &context, in: &used)
    body.append(.branch(condition: .apply(.lessEqual, 0, segment), then: used, otherwise: []))
    builder.phase("attend", domain + [blocks], body)
  }

  /// A block of query rows against its keys, block by block, with running maxima and sums.
  mutating func attend(_ at: ScoreBlock, context: inout LoweringContext, in block: inout [Statement]) throws {
    guard !classifiesOnly else { return try classify(at, context: &context, in: &block) }
    let accumulator = types.accumulator
    let query = builder.tile("query", types.factor, [rowBlock, max(types.padded(at.depth), 1)], in: &block)
    let scores = builder.tile("scores", accumulator, [rowBlock, keyBlock], in: &block)
    let weights = types.isPaired ? builder.tile("weights", types.factor, [rowBlock, keyBlock], in: &block) : scores
    let tiles = Tiles(
      query: query, scores: scores, weights: weights,
      accumulator: builder.tile("accumulator", accumulator, [rowBlock, max(at.valueWidth, 1)], in: &block),
      maximum: builder.tile("maximum", accumulator, [rowBlock], in: &block),
      sum: builder.tile("sum", accumulator, [rowBlock], in: &block),
      blockMaximum: builder.tile("block_maximum", accumulator, [rowBlock], in: &block),
      rescale: builder.tile("rescale", accumulator, [rowBlock], in: &block),
      moved: builder.tile("moved", .i32, [1], in: &block))
    try loadQueries(at, tiles.query, in: &block)
    begin(at, tiles, in: &block)

    let columns = isMasked || !at.isEvenlyBlocked ? nil : IntegerExpression.constant(keyBlock)
    try visitTiles(at, columns: columns, context: &context, in: &block) { lowering, tile, live in
      lowering.multiplyByKeys(at, tiles.query, tiles.scores, tile, in: &live)
      if lowering.weighsByScore {
        try lowering.weighByScore(
          at, tiles.scores, into: tiles.weights, tile.firstKey, tile.columns, isPartial: tile.isPartial, in: &live)
      } else {
        try lowering.applyRegions(
          at, tiles.scores, maximum: tiles.blockMaximum, tile.firstKey, tile.columns, isPartial: tile.isPartial, in: &live)
        try lowering.moveMaximum(at, tiles, in: &live)
        try lowering.weigh(
          at, tiles.scores, shift: tiles.blockMaximum, into: tiles.weights, sum: tiles.sum, tile.columns, in: &live)
      }
      lowering.multiplyByValues(at, tiles, tile, in: &live)
    }
    try finish(at, tiles, in: &block)
  }

  /// Sums at 0, maxima at -inf.
  private mutating func begin(_ at: ScoreBlock, _ tiles: Tiles, in block: inout [Statement]) {
    let types = types
    builder.map([("r", at.rows), ("e", .constant(at.valueWidth))], in: &block) { body, index in
      body.store(body.constant(0, types.accumulator), Access(tiles.accumulator, index[0], index[1]))
    }
    if weighsByScore { return }
    builder.map([("r", at.rows)], in: &block) { body, index in
      body.store(body.constant(-.infinity, types.accumulator), Access(tiles.maximum, index[0]))
      body.store(body.constant(0, types.accumulator), Access(tiles.sum, index[0]))
    }
  }

  mutating func multiplyByKeys(
    _ at: ScoreBlock, _ query: Place, _ scores: Place, _ tile: KeyTile, in block: inout [Statement]
  ) {
    let packed = at.packed!
    let (rows, r) = builder.dimension("r", at.rows)
    let (panelDimension, p) = builder.dimension("p", tile.columns.ceilingDivided(by: panelWidth))
    let (columnDimension, c) = builder.dimension("c", .constant(panelWidth))
    let d = contracted("d", .constant(at.depth))
    var store = Body(parameters: [ScalarFunction.Parameter("score", types.accumulator)])
    store.store(BodyValue(0), Access(scores, r, p * .constant(panelWidth) + c))
    let panel = packed.batch + [tile.firstPanel + p, d.unit, c] + d.rest
    block.append(
      .contract(
        Contraction(
          rows: rows, columns: [panelDimension, columnDimension], over: d.dimensions, left: Access(query, r, d.index),
          right: Access(packed.panels, panel.map { Access.Index($0) }), accumulator: types.accumulator, epilogue: store)))
  }

  /// The new maxima, and the sums so far rescaled to them. A row that has seen nothing live is shifted by 0: -inf - -inf is NaN.
  private mutating func moveMaximum(_ at: ScoreBlock, _ tiles: Tiles, in block: inout [Statement]) throws {
    let (element, lowering) = (types.accumulator, self)
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
    try builder.map([("r", at.rows), ("e", .constant(at.valueWidth))], in: &rescaling) { body, index in
      let place = Access(tiles.accumulator, index[0], index[1])
      let factor = body.load(Access(tiles.rescale, index[0]), element)
      body.store(try body.apply(.multiply, body.load(place, element), factor), place)
    }
    block.append(.branch(condition: .apply(.notEqual, .load(Access(tiles.moved, 0)), 0), then: rescaling, otherwise: []))
  }

  private mutating func multiplyByValues(_ at: ScoreBlock, _ tiles: Tiles, _ tile: KeyTile, in block: inout [Statement]) {
    let (rows, r) = builder.dimension("r", at.rows)
    let (valueColumns, e) = builder.dimension("e", .constant(at.valueWidth))
    let j = contracted("j", tile.columns)
    var store = Body(parameters: [ScalarFunction.Parameter("sum", types.accumulator)])
    store.store(BodyValue(0), Access(tiles.accumulator, r, e))
    let right: Access
    if let packed = at.packed, let values = packed.values {
      let first = tile.firstPanel * .constant(types.isPaired ? panelWidth / 2 : panelWidth)
      let indices = packed.batch + [first + j.unit, e] + j.rest
      right = Access(values, indices.map { Access.Index($0) })
    } else {
      right = value.access(at.batch + [at.firstKey + tile.firstKey + j.index, e])
    }
    block.append(
      .contract(
        Contraction(
          rows: rows, columns: [valueColumns], over: j.dimensions, left: Access(tiles.weights, r, j.index), right: right,
          initial: Access(tiles.accumulator, r, e), accumulator: types.accumulator, epilogue: store)))
  }

  /// The sums divided by the weights' sums; 0 where nothing was live.
  private mutating func finish(_ at: ScoreBlock, _ tiles: Tiles, in block: inout [Statement]) throws {
    let (element, output, lowering) = (types.accumulator, output, self)
    if !weighsByScore {
      try builder.map([("r", at.rows)], in: &block) { body, index in
        let (maximum, sum) = (body.load(Access(tiles.maximum, index[0]), element), body.load(Access(tiles.sum, index[0]), element))
        let factor = try lowering.finishRow(maximum, sum, at: at.batch + [at.firstRow + index[0]], in: &body)
        body.store(factor, Access(tiles.sum, index[0]))
      }
    }
    try builder.map([("r", at.rows), ("e", .constant(at.valueWidth))], in: &block) { body, index in
      var sum = body.load(Access(tiles.accumulator, index[0], index[1]), element)
      if !lowering.weighsByScore { sum = try body.apply(.multiply, sum, body.load(Access(tiles.sum, index[0]), element)) }
      body.store(sum, output.access(at.batch + [at.firstRow + index[0], index[1]]))
    }
  }
}

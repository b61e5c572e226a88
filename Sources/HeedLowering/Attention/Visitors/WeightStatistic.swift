import HeedAnalysis
import HeedIR
import HeedSchedule

/// What statistics of attention's weights share: a second pass over the keys that computes weights from scores and the logarithms of the
/// rows' sums, a tile at a time. The logarithm of rows whose scores are all large is too coarse for that: they are summed again first.
struct WeightStatistic {
  let kernel: ScoreKernel
  /// The logarithm of each row's sum.
  let logarithms: BoundRows
  let packed: PackedKeys
  let shifts: RowShifts
  /// A further score per row, which the weights are divided by as well.
  let sink: BoundSource?
  let output: BoundView
  /// The keys of the greatest weights, where those are asked for.
  let indexOutput: BoundView?

  var builder: KernelBuilder { kernel.builder }
  var shape: AttentionShape { kernel.shape }
  var types: AttentionTypes { kernel.types }

  /// The scratch tiles of a block of rows whose weights are computed again.
  struct Tiles {
    /// [rows, depth].
    let query: Place
    /// Scores, then weights: [rows, keys].
    let weights: Place
    /// The rows' parts of the shifts: [rows].
    let shift: Place
    let exponent: Place
    let isEmpty: Place?
  }

  init(_ bound: BoundAttention, _ attributes: Attributes) {
    let builder = bound.kernel.builder
    (kernel, logarithms) = (bound.kernel, bound.third)
    output = builder.output((bound.results[.values] ?? bound.results[.output])!)
    indexOutput = bound.results[.indices].map { builder.output($0, name: ResultName.indices.name) }
    packed = KeyPacking(kernel, value: nil).workspaces()
    shifts = RowShifts(kernel)
    sink = attributes[.sink].map { bound.kernel.tables[$0.number] }
  }

  /// What comes before a statistic: bounds of the mask's terms, the keys as panels, and the shifts of the rows.
  func prepare(_ orders: [TraversalOrder], of value: ValueID, _ context: inout LoweringContext) throws -> [TermSummaries] {
    try kernel.describeMask(of: value, &context)
    let summaries = orders.map { TermSummaries(kernel, $0) }
    for summary in summaries { try summary.summarize(kernel) }
    KeyPacking(kernel, value: nil).pack(into: packed)
    try findShifts()
    return summaries
  }

  /// Says how the statistic is computed.
  func describe(_ value: ValueID, _ context: inout LoweringContext) {
    context.remark(
      .note, value,
      "the weights are computed again in tiles of \(kernel.schedule.tile): a second pass over the keys, and no score matrix")
  }

  /// The keys of these batch indices, packed.
  func packedKeys(_ batch: [IntegerExpression]) -> PackedKeys { packed.at(shape.panelDimensions.map { batch[$0] }) }

  func makeTiles() -> Tiles {
    let (rows, columns) = (kernel.schedule.tile.rows, kernel.schedule.tile.columns)
    return Tiles(
      query: kernel.queryTile(rows: rows), weights: builder.tile("weights", types.accumulator, [rows, columns]),
      shift: builder.tile("shift", types.accumulator, [rows]), exponent: builder.tile("exponent", types.accumulator, [rows]),
      isEmpty: shifts.isEmpty.map { _ in builder.tile("is_empty", .i32, [rows]) })
  }

  /// The queries of a block of rows and their shifts.
  /// - Returns: a condition, whether some row has the scores of its dead pairs; nil where none has.
  func loadRows(_ at: PairBlock, _ tiles: Tiles) throws -> IntegerExpression? {
    try kernel.loadQueries(at, tiles.query)
    builder.map([("r", at.queries.count)]) { body, index in
      let row = at.batch + [at.queries.first + index[0]]
      func take(_ source: Place, _ tile: Place, _ element: ElementType) {
        body.store(body.load(Self.access(source, row), element), Access(tile, index[0]))
      }
      take(shifts.shift, tiles.shift, types.accumulator)
      take(shifts.exponent, tiles.exponent, types.accumulator)
      if let source = shifts.isEmpty, let tile = tiles.isEmpty { take(source, tile, .i32) }
    }
    return hasEmptyRow(at.batch, at.queries)
  }

  /// A condition, whether one of these rows has the scores of its dead pairs; nil where none has.
  func hasEmptyRow(_ batch: [IntegerExpression], _ rows: Span) -> IntegerExpression? {
    guard let isEmpty = shifts.isEmpty else { return nil }
    let hasEmpty = builder.scalar("has_empty", .i32, initial: .expression(0))
    builder.map([("r", rows.count)]) { body, index in
      body.accumulate(.maximum, body.load(Self.access(isEmpty, batch + [rows.first + index[0]]), .i32), hasEmpty.access)
    }
    return hasEmpty.isSet
  }

  /// The weights of a tile, or what `value` makes of them.
  /// - Parameter seesDead: a condition, whether some row has the scores of its dead pairs; nil where none has.
  func computeWeights(
    _ at: PairBlock, _ tiles: Tiles, _ tile: KeyTile, seesDead: IntegerExpression?, value: ScalarFunction?
  ) throws {
    kernel.multiplyByKeys(at, tiles.query, into: tiles.weights, tile)
    try kernel.whereMaskDecides(tile.isOpen) { isOpen in
      guard isOpen, let seesDead, let isEmpty = tiles.isEmpty else {
        return try weigh(at, tiles, tile, isOpen: isOpen, seeing: nil, value: value)
      }
      try builder.branch(seesDead) {
        try builder.cold { try weigh(at, tiles, tile, isOpen: true, seeing: isEmpty, value: value) }
      } otherwise: {
        try weigh(at, tiles, tile, isOpen: true, seeing: nil, value: value)
      }
    }
  }

  /// Makes weights of the products of a tile.
  /// - Parameter isEmpty: not 0 for rows that have the scores of their dead pairs: [rows]; nil where none has.
  private func weigh(
    _ at: PairBlock, _ tiles: Tiles, _ tile: KeyTile, isOpen: Bool, seeing isEmpty: Place?, value: ScalarFunction?
  ) throws {
    let element = types.accumulator
    try builder.map([("r", at.queries.count), ("c", tile.columns)]) { body, index in
      let place = Access(tiles.weights, index[0], index[1])
      let indices = at.batch + [at.queries.first + index[0], at.keys.first + tile.firstKey + index[1]]
      let product = body.load(place, element)
      var score = kernel.inline(kernel.score, [product], indices, in: &body)
      var counts: BodyValue?
      if isOpen { counts = kernel.inline(kernel.mask.condition, [], indices, in: &body) }
      if let isEmpty, let isLive = counts {
        score = body.apply(.select, isLive, score, try kernel.deadScore(product, indices, in: &body))
        let isSeen = body.apply(.notEqual, body.load(Access(isEmpty, index[0]), .i32), body.index(0, .i32))
        counts = body.apply(.or, isLive, isSeen)
      }
      let difference = body.apply(.subtract, score, body.load(Access(tiles.shift, index[0]), element))
      let scale = body.constant(kernel.scaling.exponentScale, element)
      let exponent = body.load(Access(tiles.exponent, index[0]), element)
      var weight = body.apply(.exp2, body.apply(.fusedMultiplyAdd, difference, scale, exponent))
      if let counts { weight = body.apply(.select, counts, weight, body.constant(0, element)) }
      if let value { weight = kernel.inline(value, [weight], indices, in: &body) }
      body.store(weight, place)
    }
  }
}

import HeedAnalysis
import HeedIR
import HeedSchedule

/// What statistics of attention's weights share: a second pass over the keys that computes weights from scores and the logarithms of the
/// rows' sums, a tile at a time.
struct WeightStatistic {
  let kernel: ScoreKernel
  /// The logarithm of each row's sum.
  let logarithms: BoundRows
  let packed: PackedKeys
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
    /// The logarithm of each row's sum, 0 for a row without a live pair.
    let shift: Place
  }

  init(_ bound: BoundAttention) {
    let builder = bound.kernel.builder
    (kernel, logarithms) = (bound.kernel, bound.third)
    output = builder.output((bound.results[.values] ?? bound.results[.output])!)
    indexOutput = bound.results[.indices].map { builder.output($0, name: ResultName.indices.name) }
    packed = KeyPacking(kernel, value: nil).workspaces()
  }

  /// What comes before a statistic: bounds of the mask's terms, and the keys as panels.
  func prepare(_ orders: [TraversalOrder], of value: ValueID, _ context: inout LoweringContext) throws -> [TermSummaries] {
    try kernel.describeMask(of: value, &context)
    let summaries = orders.map { TermSummaries(kernel, $0) }
    for summary in summaries { try summary.summarize(kernel) }
    KeyPacking(kernel, value: nil).pack(into: packed)
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
      shift: builder.tile("shift", types.accumulator, [rows]))
  }

  /// The queries of a block of rows and the logarithms of their sums.
  func loadRows(_ at: PairBlock, _ tiles: Tiles) throws {
    try kernel.loadQueries(at, tiles.query)
    try builder.map([("r", at.queries.count)]) { body, index in
      let logarithm = body.load(logarithms.access(at.batch + [at.queries.first + index[0]]), types.accumulator)
      body.store(try kernel.shift(by: logarithm, in: &body), Access(tiles.shift, index[0]))
    }
  }

  /// The weights of a tile, or what `value` makes of them.
  func computeWeights(_ at: PairBlock, _ tiles: Tiles, _ tile: KeyTile, value: ScalarFunction?) throws {
    kernel.multiplyByKeys(at, tiles.query, into: tiles.weights, tile)
    let element = types.accumulator
    try kernel.whereMaskDecides(tile.isOpen) { isOpen in
      try builder.map([("r", at.queries.count), ("c", tile.columns)]) { body, index in
        let place = Access(tiles.weights, index[0], index[1])
        let indices = at.batch + [at.queries.first + index[0], at.keys.first + tile.firstKey + index[1]]
        let score = kernel.inline(kernel.score, [body.load(place, element)], indices, in: &body)
        let shift = body.load(Access(tiles.shift, index[0]), element)
        var weight = try kernel.power(body.apply(.subtract, score, shift), in: &body)
        if isOpen { weight = try kernel.masked(weight, indices, dead: 0, in: &body) }
        if let value { weight = kernel.inline(value, [weight], indices, in: &body) }
        body.store(weight, place)
      }
    }
  }
}

import Foundation
import HeedIR

/// What statistics of attention's weights share: a second pass over the keys that computes weights from scores and the logarithms of the
/// rows' sums, a tile at a time.
extension AttentionLowering {
  /// The scratch tiles of a block of rows whose weights are computed again.
  struct WeightTiles {
    /// [rows, depth].
    let query: Place
    /// Scores, then weights: [rows, keys].
    let weights: Place
    /// The logarithm of each row's sum, 0 for a row without a live pair.
    let shift: Place
  }

  mutating func weightTiles(depth: Int, in block: inout [Statement]) -> WeightTiles {
    WeightTiles(
      query: builder.tile("query", types.factor, [rowBlock, max(types.padded(depth), 1)], in: &block),
      weights: builder.tile("weights", types.accumulator, [rowBlock, keyBlock], in: &block),
      shift: builder.tile("shift", types.accumulator, [rowBlock], in: &block))
  }

  /// The queries of a block of rows and the logarithms of their sums.
  mutating func loadRows(_ at: ScoreBlock, _ tiles: WeightTiles, in block: inout [Statement]) throws {
    try loadQueries(at, tiles.query, in: &block)
    let (logarithms, element) = (value, types.accumulator)
    try builder.map([("r", at.rows)], in: &block) { body, index in
      let logarithm = body.load(logarithms.access(at.batch + [at.firstRow + index[0]]), element)
      let isDead = try body.apply(.equal, logarithm, body.constant(-.infinity, element))
      body.store(try body.apply(.select, isDead, body.constant(0, element), logarithm), Access(tiles.shift, index[0]))
    }
  }

  /// The weights of a block of keys, or what `value` makes of them.
  mutating func computeWeights(
    _ at: ScoreBlock, _ tiles: WeightTiles, _ tile: KeyTile, value: ScalarFunction?, in block: inout [Statement]
  ) throws {
    multiplyByKeys(at, tiles.query, tiles.weights, tile, in: &block)
    let (element, lowering) = (types.accumulator, self)
    try whereMaskDecides(tile.isPartial, in: &block) { builder, isPartial, sweep in
      try builder.map([("r", at.rows), ("c", tile.columns)], in: &sweep) { body, index in
        let place = Access(tiles.weights, index[0], index[1])
        let indices = at.batch + [at.firstRow + index[0], at.firstKey + tile.firstKey + index[1]]
        let score = lowering.inline(lowering.score, [body.load(place, element)], indices, in: &body)
        let shift = body.load(Access(tiles.shift, index[0]), element)
        var weight = try lowering.power(try body.apply(.subtract, score, shift), in: &body)
        if isPartial {
          let isLive = lowering.inline(lowering.condition, [], indices, in: &body)
          weight = try body.apply(.select, isLive, weight, body.constant(0, element))
        }
        if let value { weight = lowering.inline(value, [weight], indices, in: &body) }
        body.store(weight, place)
      }
    }
  }

  /// As `visitTiles`, over every block of keys, dead ones among them.
  mutating func visitAllTiles(_ at: ScoreBlock, in block: inout [Statement], _ visit: Visit) throws {
    let step = builder.variable("j0")
    let j0 = IntegerExpression.variable(step)
    var round: [Statement] = []
    let columns = builder.define("columns", .smaller(at.keyCount - j0, .constant(keyBlock)), in: &round)
    let firstPanel = at.firstPanel + j0 / .constant(panelWidth)
    try visit(
      &self, KeyTile(firstKey: j0, firstPanel: firstPanel, columns: columns, isPartial: isMasked ? 1 : 0), &round)
    block.append(.loop(Loop(step, from: 0, to: at.keyCount, step: keyBlock, body: round)))
  }

  /// What comes before a statistic: bounds of the mask's terms, and the keys as panels.
  mutating func prepareStatistic(_ context: inout LoweringContext) throws -> Int {
    guard let depth = depth.constant else { throw context.unsupported(node, "the head width must be a constant") }
    try describeMask(context: &context)
    allocateSummaries()
    try summarizeKeys()
    pack(packed!)
    return depth
  }

  /// The keys of these batch indices, packed.
  func packedKeys(_ batch: [IntegerExpression]) -> PackedKeys { packed!.at(panelDimensions.map { batch[$0] }) }

  func describeStatistic(_ context: inout LoweringContext) {
    context.remark(
      .note, context.graph.results(node)[0],
      "the weights are computed again in tiles of \(rowBlock) x \(keyBlock): a second pass over the keys, and no score matrix")
  }
}

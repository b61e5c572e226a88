import HeedIR

/// Windows: each band of some blocks of rows packs the keys that it sees, so that nothing is as large as the keys but they.
///
/// A band goes through its blocks of rows in order and keeps the keys that it packed last in scratch memory, some blocks of them: where
/// the keys of a block of rows are not all there, those from its first one are packed, up to the last that the band sees.
extension AttentionLowering {
  /// The most blocks of rows of a band, and about how many bands a call should have at least.
  private static let mostOfBand = 32
  private static let leastBands = 64
  /// About the bytes of keys and values that a band keeps: half of a usual second-level cache.
  private static let bytesOfBand = 1 << 19

  /// What the blocks of rows of a band share.
  struct Band {
    /// The blocks of keys that fit.
    var blocks: Int
    /// The first key that is packed, and the one behind the last: [2].
    var range: Place
    /// Behind the last key that the band sees.
    var end: IntegerExpression
    var panelIndices: [IntegerExpression]
  }

  mutating func attendBands(context: inout LoweringContext) throws {
    let widths = try constantWidths(context)
    let (domain, indices) = batchDomain(panelDimensions)
    let blockCount = IntegerExpression(queries.dividedRoundingUp(by: rowBlock))
    let all = panelDimensions.reduce(blockCount) { $0 * IntegerExpression(batch[$1]) }
    let size = IntegerExpression.apply(
      .maximum, .smaller(all / .constant(Self.leastBands), .constant(Self.mostOfBand)), 1)
    let count = (blockCount + size - 1) / size
    let (bands, band) = builder.dimension("band", count * (1 - hasFewRows))
    var body: [Statement] = []
    let length = builder.define("size", size, in: &body)
    let first = builder.define("t0", band * length, in: &body)
    let end = builder.define("t1", .smaller(first + length, blockCount), in: &body)
    let bytesOfKey = (widths.depth + (packsValues ? widths.value : 0)) * types.factor.byteCount
    let blocks = max(2, min(Self.blocksOfRun, Self.bytesOfBand / max(1, bytesOfKey * keyBlock)))
    let panels = blocks * keyBlock / panelWidth
    let packed = PackedKeys(
      panels: builder.tile("panels", types.factor, [panels] + types.unitSizes(widths.depth, by: panelWidth), in: &body),
      values: packsValues
        ? builder.tile("values", types.factor, types.unitSizes(panels * panelWidth, by: max(widths.value, 1)), in: &body) : nil)
    let range = builder.tile("packed", .i64, [2], in: &body)
    builder.map([("u", 1)], in: &body) { body, _ in
      for end in 0..<2 { body.store(body.index(0, .i64), Access(range, .constant(end))) }
    }
    var batchIndices = [IntegerExpression](repeating: 0, count: batchRank)
    for (dimension, index) in zip(panelDimensions, indices) { batchIndices[dimension] = index }
    var at = ScoreBlock(
      batch: batchIndices, firstRow: first * .constant(rowBlock), rows: 0, rowCount: 0, firstKey: 0,
      keyCount: IntegerExpression(keys), packed: packed, depth: widths.depth, valueWidth: widths.value)
    at.rows = .smaller((end - first) * .constant(rowBlock), IntegerExpression(queries) - at.firstRow)
    // A mask of its own for each head may let some see more.
    let used = Set(condition.instructions.flatMap(\.operands))
    let isShared = !groupDimensions.contains { used.contains(condition.parameter($0)) }
    let lastKey = isShared ? try keyBounds(at, context: &context, describes: false, in: &body).end : at.keyCount
    at.band = Band(blocks: blocks, range: range, end: lastKey, panelIndices: indices)

    let step = builder.variable("t")
    let groups = groupDimensions.map { (dimension: $0, variable: builder.variable(Name("b\($0)"))) }
    for (dimension, variable) in groups { at.batch[dimension] = .variable(variable) }
    var round: [Statement] = []
    at.firstRow = builder.define("i0", .variable(step) * .constant(rowBlock), in: &round)
    at.rows = builder.define("rows", .blockSize(queries, block: at.firstRow, size: rowBlock), in: &round)
    at.rowCount = at.rows
    try attend(at, context: &context, in: &round)
    for (dimension, variable) in groups.reversed() {
      round = [.loop(Loop(variable, from: 0, to: IntegerExpression(batch[dimension]), step: 1, body: round))]
    }
    body.append(.loop(Loop(step, from: first, to: end, step: 1, body: round)))
    builder.phase("attend", domain + [bands], body)
    context.remark(
      .note, context.graph.results(node)[0],
      "each band of up to \(Self.mostOfBand) blocks of rows packs the keys that it sees, \(blocks * keyBlock) at once")
  }

  /// Packs the keys from `first` to below `end` where they are not packed; gives the first key that is.
  mutating func packRun(
    _ at: ScoreBlock, _ band: Band, _ first: IntegerExpression, _ end: IntegerExpression, in block: inout [Statement]
  ) -> IntegerExpression {
    let most = band.blocks * keyBlock / panelWidth
    var pack: [Statement] = []
    let count = builder.define(
      "count", .smaller((band.end - first).ceilingDivided(by: panelWidth), .constant(most)), in: &pack)
    let step = builder.variable("p")
    var round: [Statement] = []
    packPanel(
      band.panelIndices, panel: .variable(step), firstKey: first + .variable(step) * .constant(panelWidth), into: at.packed!,
      in: &round)
    pack.append(.loop(Loop(step, from: 0, to: count, step: 1, body: round)))
    let width = IntegerExpression.constant(panelWidth)
    builder.map([("u", 1)], in: &pack) { body, _ in
      body.store(body.index(first, .i64), Access(band.range, 0))
      body.store(body.index(first + count * width, .i64), Access(band.range, 1))
    }
    let isMissing = IntegerExpression.apply(
      .or, .apply(.less, first, .load(Access(band.range, 0))), .apply(.less, .load(Access(band.range, 1)), end))
    block.append(.branch(condition: isMissing, then: pack, otherwise: []))
    return builder.define("packed_key", .load(Access(band.range, 0)), in: &block)
  }
}

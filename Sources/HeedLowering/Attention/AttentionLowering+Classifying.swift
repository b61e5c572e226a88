import HeedIR

/// Attention without its products: what deciding which tiles live takes by itself.
extension AttentionLowering {
  /// Visits the tiles of a block of rows as attention does, and counts the keys of those that live; the count is stored to the first
  /// element of the block's result, so that nothing of it can be left out.
  mutating func classify(_ at: ScoreBlock, context: inout LoweringContext, in block: inout [Statement]) throws {
    let count = builder.tile("live_keys", .i32, [1], in: &block)
    builder.map([("u", 1)], in: &block) { body, _ in body.store(body.index(0, .i32), Access(count, 0)) }
    try visitTiles(at, context: &context, in: &block) { lowering, tile, live in
      lowering.builder.map([("u", 1)], in: &live) { body, _ in
        body.accumulate(.add, body.index(tile.columns * 2 + tile.isPartial, .i32), Access(count, 0))
      }
    }
    let (output, element) = (output, types.accumulator)
    guard at.valueWidth > 0 else { return }
    try builder.map([("u", 1)], in: &block) { body, _ in
      let total = try body.apply(.convert, body.load(Access(count, 0), .i32), type: element)
      body.store(total, output.access(at.batch + [at.firstRow, 0]))
    }
  }
}

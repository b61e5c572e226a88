import HeedIR
import HeedSchedule

/// Attention without its products: what deciding which tiles live takes by itself.
///
/// The keys of live tiles are counted, and the count is stored to the first element of the block's result, so that nothing of it can be
/// left out.
struct TileCounter: RowBlockVisitor {
  let sum: WeightedSum
  let summaries: TermSummaries

  var readsKeys: Bool { false }

  func emit(_ at: PairBlock, _ visit: TileVisit) throws {
    let builder = sum.builder
    let count = builder.scalar("live_keys", .i32, initial: .expression(0))
    try visit(nil) { tile in builder.set(count, count.value + tile.columns * 2 + tile.isOpen) }
    guard sum.shape.valueWidth > 0 else { return }
    builder.compute { body in
      let total = body.apply(.convert, body.load(count.access, .i32), type: sum.types.accumulator)
      body.store(total, sum.output.access(at.batch + [at.queries.first, 0]))
    }
  }
}

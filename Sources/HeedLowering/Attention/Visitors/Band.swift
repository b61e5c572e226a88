import HeedAnalysis
import HeedIR
import HeedSchedule

/// What the blocks of rows of a band share: scratch memory for the keys that are packed.
struct Band {
  let packed: PackedKeys
  /// The tiles of keys that fit.
  let tilesKept: Int
  let panelIndices: [IntegerExpression]
  private let packing: KeyPacking
  /// The first key that is packed, and the one behind the last.
  private let firstPacked: Scalar
  private let endPacked: Scalar
  /// Behind the last key that the band sees.
  private let end: IntegerExpression

  private var kernel: ScoreKernel { packing.kernel }

  /// - Parameter queries: those of all blocks of the band.
  init(
    _ blocks: RowBlocks, _ packed: PackedKeys, tilesKept: Int, panelIndices: [IntegerExpression], queries: Span
  ) throws {
    (self.packed, self.tilesKept, self.panelIndices, packing) = (packed, tilesKept, panelIndices, blocks.sum.packing)
    let (kernel, builder) = (packing.kernel, packing.kernel.builder)
    firstPacked = builder.scalar("packed_first", .i64, initial: .expression(0))
    endPacked = builder.scalar("packed_end", .i64, initial: .expression(0))
    let keys = Span(first: 0, count: IntegerExpression(kernel.shape.keys))
    // A mask of its own for each head may let some see more, and rows that see none may be attended to all.
    let used = kernel.mask.condition.usedParameters
    guard kernel.scoreOfDead == nil, used.isDisjoint(with: kernel.shape.groupDimensions) else {
      end = keys.count
      return
    }
    let all = PairBlock(batch: kernel.shape.batchIndices(ofPanels: panelIndices), queries: queries, keys: keys)
    end = try kernel.range(.queryMajor, of: all).end
  }

  /// Packs the keys from `first` to below `end` where they are not packed; returns the first key that is.
  func pack(_ first: IntegerExpression, _ end: IntegerExpression) -> IntegerExpression {
    let (builder, width) = (kernel.builder, kernel.schedule.panelWidth)
    let isMissing = IntegerExpression.apply(
      .or, .apply(.less, first, firstPacked.value), .apply(.less, endPacked.value, end))
    builder.branch(isMissing) {
      let most = tilesKept * kernel.schedule.tile.columns / width
      let count = builder.define("count", .smaller((self.end - first).ceilingDivided(by: width), .constant(most)))
      builder.loop("p", to: count) { p in
        packing.packPanel(panelIndices, panel: p, firstKey: first + p * .constant(width), into: packed)
      }
      builder.set(firstPacked, first)
      builder.set(endPacked, first + count * .constant(width))
    }
    return builder.define("packed_key", firstPacked.value)
  }
}

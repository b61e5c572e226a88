import HeedIR
import HeedSchedule

/// The extents of attention over pairs of a query and a key.
struct AttentionShape {
  /// The batch dimensions: sequences, heads.
  let batch: [Extent]
  let queries: Extent
  let keys: Extent
  /// The components of queries and keys.
  let depth: Int
  /// The components of values; 0 for statistics, which read none.
  let valueWidth: Int
  /// The batch dimensions along which keys or values differ. The heads of the others share packed panels.
  let panelDimensions: [Int]
  /// What the graph promises about extents.
  let facts: [Fact]

  /// The most components of queries and values together for which the tiles of a block of rows fit a kernel's scratch.
  static let mostWidths = 1 << 16

  var batchRank: Int { batch.count }

  /// The batch dimensions that share keys and values.
  var groupDimensions: [Int] { (0..<batchRank).filter { !panelDimensions.contains($0) } }

  /// The heads of one group.
  var groupHeads: Extent { groupDimensions.reduce(Extent(1)) { $0 * batch[$1] } }

  /// The rows of one group: the queries of its heads.
  var groupRows: Extent { groupDimensions.reduce(queries) { $0 * batch[$1] } }

  /// Indices of all batch dimensions from those of `panelDimensions`; the others are 0 and stand for nothing.
  func batchIndices(ofPanels indices: [IntegerExpression]) -> [IntegerExpression] {
    var all = [IntegerExpression](repeating: 0, count: batchRank)
    for (dimension, index) in zip(panelDimensions, indices) { all[dimension] = index }
    return all
  }
}

extension AttentionSchedule.Extents {
  /// What of a shape decides the schedule.
  init(_ shape: AttentionShape) {
    self.init(
      queries: shape.queries, keys: shape.keys, groupRows: shape.groupRows, groupHeads: shape.groupHeads, depth: shape.depth,
      valueWidth: shape.valueWidth, facts: shape.facts)
  }
}

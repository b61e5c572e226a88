import HeedIR

/// Indices that follow each other.
struct Span {
  var first: IntegerExpression
  var count: IntegerExpression

  /// The last index.
  var last: IntegerExpression { first + count - 1 }
}

/// A rectangle of the score matrix of one head, or of the heads of a group: queries and the keys that they meet.
struct PairBlock {
  /// The indices of the batch dimensions; those of `groups` stand for nothing.
  var batch: [IntegerExpression]
  /// The batch dimensions that the rows run over, before the queries: heads that share their keys.
  var groups: [Int] = []
  var queries: Span
  /// The number of rows: of queries of all heads of the group.
  var rowCount: IntegerExpression
  var keys: Span
  /// The panel of the first key.
  var firstPanel: IntegerExpression = 0
  /// Where the keys are packed; nil where they are read as they are stored.
  var packed: PackedKeys?

  /// A block of one head.
  init(
    batch: [IntegerExpression], queries: Span, keys: Span, firstPanel: IntegerExpression = 0, packed: PackedKeys? = nil
  ) {
    (self.batch, self.queries, rowCount, self.keys) = (batch, queries, queries.count, keys)
    (self.firstPanel, self.packed) = (firstPanel, packed)
  }

  /// A block of the heads of a group, whose keys are read as they are stored.
  init(batch: [IntegerExpression], groups: [Int], queries: Span, rowCount: IntegerExpression, keys: Span) {
    (self.batch, self.groups, self.queries, self.rowCount, self.keys) = (batch, groups, queries, rowCount, keys)
  }
}

/// A tile of scores that is attended to.
struct KeyTile {
  /// Counted from the first key of the block; at the start of a panel.
  var firstKey: IntegerExpression
  /// The panel that it begins.
  var firstPanel: IntegerExpression
  var columns: IntegerExpression
  /// A condition: whether a pair may be dead.
  var isOpen: IntegerExpression
}

extension PairKernel {
  /// The dimensions of a map over the rows of a block.
  func rowDimensions(_ at: PairBlock) -> [(Name, IntegerExpression)] {
    groupDimensions(at) + [("r", at.queries.count)]
  }

  /// The dimensions of a map over the heads of a block's group.
  func groupDimensions(_ at: PairBlock) -> [(Name, IntegerExpression)] {
    at.groups.map { (Name("g\($0)"), IntegerExpression(shape.batch[$0])) }
  }

  /// The batch indices of the head at these indices of `groupDimensions`.
  func batchIndices(_ at: PairBlock, _ indices: ArraySlice<IntegerExpression>) -> [IntegerExpression] {
    var batch = at.batch
    for (position, index) in zip(at.groups, indices) { batch[position] = index }
    return batch
  }

  /// The row at these indices of `rowDimensions`: its place in tiles, its batch indices and its query.
  func row(_ indices: ArraySlice<IntegerExpression>, _ at: PairBlock) -> (
    number: IntegerExpression, batch: [IntegerExpression], query: IntegerExpression
  ) {
    let head = zip(at.groups, indices).reduce(IntegerExpression(integerLiteral: 0)) { number, group in
      number * IntegerExpression(shape.batch[group.0]) + group.1
    }
    let last = indices.last!
    return (at.groups.isEmpty ? last : head * at.queries.count + last, batchIndices(at, indices), at.queries.first + last)
  }

  /// Dimensions of a phase's domain over some batch dimensions, and their indices.
  func batchDomain(_ dimensions: [Int]) -> (domain: [Dimension], indices: [IntegerExpression]) {
    let made = dimensions.map { builder.dimension(Name("b\($0)"), IntegerExpression(shape.batch[$0])) }
    return (made.map(\.0), made.map(\.1))
  }
}

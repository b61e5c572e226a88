package import HeedIR

extension AttentionSchedule {
  /// What the choice of a schedule depends on.
  package struct Problem {
    /// The tile that is set on the op; nil where none is.
    package var tile: TileSize?
    /// The type of sums.
    package var accumulator: ElementType
    /// The type of what is multiplied.
    package var factor: ElementType
    /// Whether the op is a statistic of the weights and reads no values.
    package var isStatistic: Bool
    /// Whether the range of keys that a block of rows sees has a first one.
    package var keysHaveFirst: Bool
    package var extents: Extents
    package var layout: Layout

    package init(
      tile: TileSize?, accumulator: ElementType, factor: ElementType, isStatistic: Bool, keysHaveFirst: Bool, extents: Extents,
      layout: Layout
    ) {
      (self.tile, self.accumulator, self.factor) = (tile, accumulator, factor)
      (self.isStatistic, self.keysHaveFirst, self.extents, self.layout) = (isStatistic, keysHaveFirst, extents, layout)
    }
  }

  /// How large a problem is.
  package struct Extents {
    package var queries: Extent
    package var keys: Extent
    /// The rows of one group of heads that share keys.
    package var groupRows: Extent
    /// The heads of a group.
    package var groupHeads: Extent
    /// The components of queries and keys.
    package var depth: Int
    /// The components of values; 0 for statistics.
    package var valueWidth: Int
    /// What the graph promises about extents.
    package var facts: [Fact]

    package init(
      queries: Extent, keys: Extent, groupRows: Extent, groupHeads: Extent, depth: Int, valueWidth: Int, facts: [Fact] = []
    ) {
      (self.queries, self.keys, self.groupRows, self.groupHeads) = (queries, keys, groupRows, groupHeads)
      (self.depth, self.valueWidth, self.facts) = (depth, valueWidth, facts)
    }
  }

  /// How keys and values lie in memory.
  package struct Layout {
    /// Whether segments are given by offsets.
    package var isRagged: Bool
    /// Whether keys, or values, lie in pages.
    package var isPaged: Bool
    /// Whether keys and values have their components side by side.
    package var readsInPlace: Bool
    /// Whether products need packed values.
    package var packsValues: Bool

    package init(isRagged: Bool, isPaged: Bool, readsInPlace: Bool, packsValues: Bool) {
      (self.isRagged, self.isPaged, self.readsInPlace, self.packsValues) = (isRagged, isPaged, readsInPlace, packsValues)
    }
  }
}

import HeedIR

/// How the live pairs of a mask lie at its length, or at a typical one, by proof: nothing is sampled. How much of a block's rectangle is
/// waste depends on it.
package struct MaskProfile: Sendable {
  /// The mean number of live keys of a row.
  package let liveKeys: Double
  /// Whether all parts of the mask were considered. Parts that read tables are not: those are known at a call.
  package let isComplete: Bool
  /// By the rows of a block.
  private let spans: [Int: Span]

  /// The keys from the first to the last that may live for any row of a block.
  private struct Span {
    /// The mean number of them, by rows.
    var keys = 0.0
    /// The share of rows before whose first key there are others, and after whose last.
    var (beginsLate, endsEarly) = (0.0, 0.0)
  }

  /// A length that is long beside blocks and short enough to go over; longer ones count as this.
  private static let typicalLength = 2048
  /// The eighths of the length at which blocks of rows are looked at where there are many: not the first and the last ones, which see
  /// fewer keys.
  private static let places = 2..<7
  /// So many blocks are looked at one by one.
  private static let mostBlocks = 16
  /// The most rectangles that are asked for to count live keys.
  private static let mostRectangles = 384

  /// - Parameters:
  ///   - mask: reads no tables.
  ///   - length: the number of queries and of keys, where both are known and the same.
  ///   - isComplete: whether `mask` is all of the mask.
  /// - Returns: nil where no pair lives.
  init?(_ mask: MaskAnalysis, rowBlocks: [Int], length: Int?, isComplete: Bool) throws {
    let length = min(length ?? Self.typicalLength, Self.typicalLength)
    let mask = try MaskRectangles(mask, length: length)
    var spans: [Int: Span] = [:]
    var rows: [Range<Int>] = []
    for size in rowBlocks {
      let all = stride(from: 0, to: length, by: size).map { $0..<min($0 + size, length) }
      let few = all.count <= Self.mostBlocks
      let blocks = few ? all : Self.places.map { all[$0 * length / 8 / size] }
      if rows.isEmpty {
        // The row in the middle of a block stands for it.
        rows = few ? [0..<length] : blocks.map { $0.lowerBound + size / 2..<$0.lowerBound + size / 2 + 1 }
      }
      let total = Double(blocks.reduce(0) { $0 + $1.count })
      var span = Span()
      for block in blocks {
        guard let keys = try mask.span(of: block) else { continue }
        let share = Double(block.count) / total
        span.keys += share * Double(min(keys.upperBound, length) - keys.lowerBound)
        if keys.lowerBound > 0 { span.beginsLate += share }
        if keys.upperBound < length { span.endsEarly += share }
      }
      spans[size] = span
    }
    let live = try mask.livePairs(of: rows, asking: Self.mostRectangles)
    guard live > 0 else { return nil }
    liveKeys = live / Double(rows.reduce(0) { $0 + $1.count })
    (self.spans, self.isComplete) = (spans, isComplete)
  }

  /// The mean number of keys from the first to the last that may live for any row of a block of `rows`, which is one of those asked for.
  package func span(rows: Int) -> Double { spans[rows]!.keys }

  /// The keys that a block of `rows` computes for each live one: from the panel that holds its first key to the vector that holds its
  /// last.
  package func waste(rows: Int, panel: Int, vector: Int) -> Double {
    let span = spans[rows]!
    return (span.keys + span.beginsLate * Double(panel) / 2 + span.endsEarly * Double(vector) / 2) / liveKeys
  }
}

extension MaskAnalysis {
  /// How live pairs lie, for the first batch indices; nil where no pair lives.
  ///
  /// - Parameters:
  ///   - rowBlocks: the sizes of the blocks of rows whose spans are wanted.
  ///   - length: the number of queries and of keys, where both are known and the same; nil for a typical one.
  package func profile(rowBlocks: [Int], length: Int? = nil) throws -> MaskProfile? {
    guard !condition.readTables.isEmpty else {
      return try MaskProfile(self, rowBlocks: rowBlocks, length: length, isComplete: true)
    }
    let known = condition.conjuncts(of: condition.results[0]).filter { condition.extracting([$0.value]).readTables.isEmpty }
    return try MaskProfile(MaskAnalysis(condition.holding(known)), rowBlocks: rowBlocks, length: length, isComplete: false)
  }
}

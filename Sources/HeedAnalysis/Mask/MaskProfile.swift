import HeedIR

/// How the live pairs of a mask lie at a typical length, by proof: nothing is sampled. How much of a block's rectangle is waste depends
/// on it.
package struct MaskProfile: Sendable {
  /// The mean number of live keys of a row.
  package let liveKeys: Double
  /// Whether all parts of the mask were considered. Parts that read tables are not: those are known at a call.
  package let isComplete: Bool
  /// For a block of so many rows, the mean number of keys from the first to the last that may live for any of them.
  private let spans: [Int: Double]

  /// A length that is long beside blocks and short enough to go over.
  private static let length = 2048
  /// The eighths of the length at which blocks of rows are looked at: not the first and the last ones, which see fewer keys.
  private static let places = 2..<7
  /// The most rectangles that are asked for to count live keys.
  private static let mostRectangles = 384

  /// - Parameters:
  ///   - mask: reads no tables.
  ///   - isComplete: whether `mask` is all of the mask.
  /// - Returns: nil where no pair lives.
  init?(_ mask: MaskAnalysis, rowBlocks: [Int], isComplete: Bool) throws {
    let mask = try MaskRectangles(mask, length: Self.length)
    var spans: [Int: Double] = [:]
    var rows: [Range<Int>] = []
    for size in rowBlocks {
      var (sum, count) = (0, 0)
      for place in Self.places {
        let start = place * Self.length / 8 / size * size
        if size == rowBlocks.first { rows.append(start + size / 2..<start + size / 2 + 1) }
        guard let keys = try mask.span(of: start..<start + size) else { continue }
        sum += keys.count
        count += 1
      }
      spans[size] = count == 0 ? 0 : Double(sum) / Double(count)
    }
    // The row in the middle of a block stands for it.
    let live = try mask.livePairs(of: rows, asking: Self.mostRectangles)
    guard live > 0 else { return nil }
    liveKeys = live / Double(rows.count)
    (self.spans, self.isComplete) = (spans, isComplete)
  }

  /// The mean number of keys from the first to the last that may live for any row of a block of `rows`, which is one of those asked for.
  package func span(rows: Int) -> Double { spans[rows]! }

  /// The keys that a block of `rows` computes for each live one, when its first and last panel are computed whole.
  package func waste(rows: Int, panel: Int) -> Double { (span(rows: rows) + Double(panel) * 0.75) / liveKeys }
}

extension MaskAnalysis {
  /// How live pairs lie at a typical length, for the first batch indices; nil where no pair lives.
  ///
  /// - Parameter rowBlocks: the sizes of the blocks of rows whose spans are wanted.
  package func profile(rowBlocks: [Int]) throws -> MaskProfile? {
    guard !condition.readTables.isEmpty else { return try MaskProfile(self, rowBlocks: rowBlocks, isComplete: true) }
    let known = condition.conjuncts(of: condition.results[0]).filter { condition.extracting([$0.value]).readTables.isEmpty }
    return try MaskProfile(MaskAnalysis(condition.holding(known)), rowBlocks: rowBlocks, isComplete: false)
  }
}

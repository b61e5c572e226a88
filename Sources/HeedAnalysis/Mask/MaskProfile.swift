import HeedIR

/// How the live pairs of a mask lie at a typical length, by its interval extension: how much of a block's rectangle is waste depends
/// on it.
package struct MaskProfile: Sendable {
  /// The mean number of live keys of a row.
  package let liveKeys: Double
  /// Whether all parts of the mask were considered. Parts that read tables are not: those are known at a call.
  package let isComplete: Bool
  /// For a block of so many rows, the mean number of keys from the first to the last that may live for any of them.
  private let spans: [Int: Double]

  /// A length that is long beside blocks and short enough to go over.
  private static let length = 1024
  /// First and last live keys are found to so many keys.
  private static let granule = 16
  /// The eighths of the length at which blocks of rows are looked at: not the first and the last ones, which see fewer keys.
  private static let places = 2..<7
  /// The rectangles that are asked for to count the live pairs of one place.
  private static let mostRectangles = 128

  /// - Parameters:
  ///   - interval: the mask over rectangles. It reads no tables.
  ///   - batchRank: the number of batch indices.
  /// - Returns: nil where no pair lives.
  init?(_ interval: IntervalExtension, batchRank: Int, rowBlocks: [Int], isComplete: Bool) throws {
    let mask = Rectangles(interval: interval, batch: Array(repeating: 0, count: batchRank))
    var spans: [Int: Double] = [:]
    for size in rowBlocks {
      var (sum, count) = (0, 0)
      for place in Self.places {
        let start = place * Self.length / 8 / size * size
        guard let keys = try mask.span(rows: start..<start + size, of: Self.length / Self.granule, granule: Self.granule) else {
          continue
        }
        sum += keys
        count += 1
      }
      spans[size] = count == 0 ? 0 : Double(sum) / Double(count)
    }
    let live = try Self.places.reduce(0) { sum, place in
      let start = place * Self.length / 8
      return try sum + mask.livePairs(start..<start + Self.granule, 0..<Self.length, asking: Self.mostRectangles)
    }
    guard live > 0 else { return nil }
    liveKeys = live / Double(Self.places.count * Self.granule)
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
    let rank = condition.parameters.count - 2
    if condition.readTables.isEmpty { return try MaskProfile(interval, batchRank: rank, rowBlocks: rowBlocks, isComplete: true) }
    var known = condition
    let parts = try condition.conjuncts(of: condition.results[0]).filter { part in
      try condition.extracting([part.value]).readTables.isEmpty
    }
    let truths = try parts.map { $0.want ? $0.value : try known.append(.not, [$0.value]) }
    let first = truths.first ?? known.constant(Literal(true), .bool)
    known.results = [try truths.dropFirst().reduce(first) { try known.append(.and, [$0, $1]) }]
    return try MaskProfile(
      IntervalExtension(known.extracting(known.results)), batchRank: rank, rowBlocks: rowBlocks, isComplete: false)
  }
}

/// A mask over rectangles of pairs.
private struct Rectangles {
  let interval: IntervalExtension
  let batch: [Int]

  private func verdict(_ rows: Range<Int>, _ keys: Range<Int>) throws -> IntervalExtension.Answers {
    try interval.verdict(
      queries: rows.lowerBound...rows.upperBound - 1, keys: keys.lowerBound...keys.upperBound - 1, batch: batch)
  }

  /// The number of keys from the first to the last granule in which a pair of the rows can live.
  func span(rows: Range<Int>, of granules: Int, granule: Int) throws -> Int? {
    guard let first = try end(rows, 0..<granules, granule, isFirst: true),
      let last = try end(rows, first..<granules, granule, isFirst: false)
    else { return nil }
    return (last - first + 1) * granule
  }

  /// The first or the last of some granules in which a pair can live, by halving.
  private func end(_ rows: Range<Int>, _ granules: Range<Int>, _ size: Int, isFirst: Bool) throws -> Int? {
    guard try verdict(rows, granules.lowerBound * size..<granules.upperBound * size).canHold else { return nil }
    guard granules.count > 1 else { return granules.lowerBound }
    let middle = granules.lowerBound + granules.count / 2
    let (left, right) = (granules.lowerBound..<middle, middle..<granules.upperBound)
    return try end(rows, isFirst ? left : right, size, isFirst: isFirst)
      ?? end(rows, isFirst ? right : left, size, isFirst: isFirst)
  }

  /// The pairs that live in a rectangle. What stays open after so many questions, the larger parts asked for first, counts half.
  func livePairs(_ rows: Range<Int>, _ keys: Range<Int>, asking most: Int) throws -> Double {
    var (parts, live) = ([(rows: rows, keys: keys)], 0.0)
    var position = 0
    while position < parts.count {
      let (rows, keys) = parts[position]
      position += 1
      let pairs = Double(rows.count * keys.count)
      guard position <= most else {
        live += pairs / 2
        continue
      }
      let verdict = try verdict(rows, keys)
      if !verdict.canHold { continue }
      if !verdict.canFail {
        live += pairs
      } else if rows.count >= keys.count {
        if rows.count == 1 { live += pairs / 2 }
        if rows.count > 1 { parts += rows.halves.map { (rows: $0, keys: keys) } }
      } else {
        parts += keys.halves.map { (rows: rows, keys: $0) }
      }
    }
    return live
  }
}

extension Range<Int> {
  fileprivate var halves: [Range<Int>] {
    let middle = lowerBound + count / 2
    return [lowerBound..<middle, middle..<upperBound]
  }
}

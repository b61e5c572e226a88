import HeedIR

/// How the live keys of a mask lie, by asking the mask for some pairs at a typical length: how much of a block's rectangle is waste
/// depends on it.
struct MaskProfile {
  /// The mean number of live keys of a row.
  let liveKeys: Double
  /// For a block of so many rows, the mean distance from the first to the last key that is live for any of them.
  private let hulls: [Int: Double]

  /// A length that is long beside blocks and short enough to look at.
  private static let length = 1024
  /// The distance of the keys that are asked for.
  private static let stride = 16

  /// The profile of the region `live`, whose last two parameters are the query's and the key's index; nil where it reads tables,
  /// which are not known yet, or has no live pair.
  init?(_ live: ScalarFunction, rowBlocks: [Int]) {
    guard live.tables.isEmpty else { return nil }
    var rows: [Int: (first: Int, last: Int, count: Int)?] = [:]
    /// The first and last live key of a row and how many there are, of those that are asked for.
    func row(_ query: Int) -> (first: Int, last: Int, count: Int)? {
      if let known = rows[query] { return known }
      var found: (first: Int, last: Int, count: Int)?
      let leading = live.parameters.dropLast(2).map { _ in Literal(0) }
      for key in Swift.stride(from: 0, to: Self.length, by: Self.stride) {
        guard let result = try? live.evaluate(leading + [Literal(query), Literal(key)]), result[0].integer != 0 else { continue }
        found = (found?.first ?? key, key, (found?.count ?? 0) + 1)
      }
      rows[query] = .some(found)
      return found
    }
    var hulls: [Int: Double] = [:]
    var (sampled, total) = (0, 0.0)
    for size in rowBlocks {
      var (sum, count) = (0.0, 0)
      for part in 2..<7 {
        let start = part * Self.length / 8 / size * size
        let ends = [row(start), row(start + size - 1)].compactMap { $0 }
        guard let first = ends.map(\.first).min(), let last = ends.map(\.last).max() else { continue }
        sum += Double(last - first + Self.stride)
        count += 1
        total += ends.reduce(0) { $0 + Double($1.count * Self.stride) }
        sampled += ends.count
      }
      hulls[size] = count == 0 ? 0 : sum / Double(count)
    }
    guard total > 0 else { return nil }
    (liveKeys, self.hulls) = (total / Double(sampled), hulls)
  }

  /// The keys that a block of `rows` computes for each live one, when its first and last panel are computed whole.
  func waste(rows: Int, panel: Int) -> Double { ((hulls[rows] ?? 0) + Double(panel) * 0.75) / liveKeys }
}

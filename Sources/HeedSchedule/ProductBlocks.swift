public import HeedIR

/// The blocks in which a matrix product is computed on a target, so that what is read again stays in the second-level cache.
public struct ProductBlocks: Hashable, Sendable {
  /// The rows of a block.
  public var rows: Int
  /// The depth over which a block of rows and a panel of columns are multiplied at once; nil for all of it. Between the parts sums lie
  /// in memory.
  public var depth: Int?
  /// Bytes of the rows and of one panel.
  public var bytes: Int

  private static let registerRows = 8
  /// The most rows of a block, and the least for which panels are read seldom enough.
  private static let mostRows = 96
  private static let leastRows = 48

  /// The depth of a product over dimensions of these extents, as blocks count it: at least 1, and at most `TileModel.mostWidth`.
  public static func depth(_ extents: some Sequence<Extent>) -> Int {
    extents.reduce(1) { product, extent in
      let (next, overflow) = product.multipliedReportingOverflow(by: max(1, TileModel.width(extent)))
      return overflow ? TileModel.mostWidth : min(next, TileModel.mostWidth)
    }
  }

  /// Blocks of rows of `depth` elements of `byteCount` bytes against panels of `panel` columns: two thirds of the cache.
  ///
  /// - Parameter rows: how many rows there are; nil where that is not known.
  public init(rows: Int?, depth: Int, panel: Int, byteCount: Int, on target: Target) {
    let budget = target.caches.level2 / 3 * 2 / byteCount
    let depth = max(1, depth)
    func rounded(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
    let most = min(rows ?? Self.mostRows, Self.mostRows)
    let wanted = most < Self.registerRows ? max(1, most) : rounded(most, to: Self.registerRows)
    let fitting = (budget / depth - panel) / Self.registerRows * Self.registerRows
    if fitting >= min(wanted, Self.leastRows) {
      (self.rows, self.depth) = (min(wanted, fitting), nil)
    } else {
      // As few parts as fit, of about equal size.
      let most = max(64, budget / (wanted + panel))
      let parts = (depth + most - 1) / most
      (self.rows, self.depth) = (wanted, parts == 1 ? nil : rounded((depth + parts - 1) / parts, to: 32))
    }
    bytes = (self.rows + panel) * (self.depth ?? depth) * byteCount
  }
}

/// A block of a product: its rows and its columns.
public struct TileSize: Hashable, Sendable {
  /// The number of rows.
  public var rows: Int
  /// The number of columns.
  public var columns: Int

  /// A block of `rows` by `columns`.
  public init(rows: Int, columns: Int) { (self.rows, self.columns) = (rows, columns) }
}

extension TileSize: CustomStringConvertible {
  /// `96 x 384`.
  public var description: String { "\(rows) x \(columns)" }
}

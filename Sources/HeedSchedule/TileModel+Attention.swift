import HeedAnalysis
import HeedIR

extension TileModel {
  /// What it costs a block to read its keys and values, in rows of products: measured, blocks of 48 rows take 2 % longer a row than
  /// blocks of 96, those of 24 take 5 % longer.
  private static let rowsWorthOfReading = 1.8
  /// The most keys of a tile: longer ones leave the second-level cache, shorter ones rescale more often.
  private static let mostKeys = 384

  /// A block of scores, the keys and values of its columns, the queries and sums of its rows: two thirds of the cache.
  func attention(_ graph: Graph, _ node: NodeID) -> Choice {
    let types = graph.operands(node).prefix(3).map(graph.type)
    let (element, rank) = (types[0].element, types[0].rank)
    let widths = Self.width(types[0].shape[rank - 1]) + Self.width(types[2].shape[rank - 1])
    let panel = panel(element)
    let (queries, keys) = (types[0].shape[rank - 2], types[1].shape[rank - 2])
    let (most, why) = mostRows(graph.region(node, "where")!, queries, keys, element)
    let rows = blockOfRows(queries, atMost: most)
    let fitting = (budget / element.byteCount - rows * widths) / (rows + widths)
    let columns = blockOfColumns(keys, panel: panel, atMost: min(fitting, Self.mostKeys))
    let bytes = (rows * columns + (rows + columns) * widths) * element.byteCount
    return Choice(
      tile: TileSize(rows: rows, columns: columns),
      reason:
        "tiles of \(rows) x \(columns) keep \(kibibytes(bytes)) in a second-level cache of \(kibibytes(target.caches.level2)) on \(target)"
        + (why.map { "; \($0)" } ?? ""))
  }

  /// The rows of a block under a mask, and why: more rows read keys and values less often, fewer waste less of the rectangle that they
  /// span with their live keys.
  func mostRows(_ live: ScalarFunction, _ queries: Extent, _ keys: Extent, _ element: ElementType) -> (rows: Int, why: String?) {
    guard let mask = try? MaskAnalysis(live), !mask.isAlwaysTrue else { return (Self.mostRows, nil) }
    let sizes = [Self.mostRows, Self.mostRows / 2, Self.mostRows / 4, Self.mostRows / 6]
    let unknown = live.readTables.map { "%\(live.tables[$0].name)" }.joined(separator: " and ")
    guard unknown.isEmpty else {
      return (Self.mostRows / 2, "the mask reads \(unknown), not known before the call: half as many rows as without one")
    }
    guard let profile = try? mask.profile(rowBlocks: sizes, length: queries == keys ? keys.constant : nil) else {
      return (Self.mostRows / 2, "the mask has no live pairs: half as many rows as without one")
    }
    let (panel, vector) = (panel(element), target.lanes(of: Self.sums(element)))
    func waste(_ rows: Int) -> Double { profile.waste(rows: rows, panel: panel, vector: vector) }
    func cost(_ rows: Int) -> Double { waste(rows) * (1 + Self.rowsWorthOfReading / Double(rows)) }
    let best = sizes.min { cost($0) < cost($1) }!
    let waste = Int((100 * (waste(best) - 1)).rounded())
    let live = Int(profile.liveKeys)
    return (best, "about \(live) keys per row live: blocks of \(best) rows compute \(waste) % more pairs than live")
  }
}

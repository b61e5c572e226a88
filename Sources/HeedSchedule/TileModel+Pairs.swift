import HeedAnalysis
import HeedIR

extension TileModel {
  /// The most keys of a tile of pairs: their sums are kept beside it. Measured on Zen 4, 96 to 192 keys are within 2 % of each other.
  private static let mostKeysOfSums = 144

  /// The tiles of products and weights, the packed keys and the sums of its columns, and its rows: two thirds of the cache.
  func pairs(_ graph: Graph, _ node: NodeID) -> Choice {
    let (pairs, operands) = (PairOperands(graph.attributes(node)), graph.operands(node).map(graph.type))
    func width(_ operand: Int?) -> Int { operand.map { Self.width(operands[$0].shape.extents.last!) } ?? 1 }
    let weights = graph.regions(node).first!
    let element = weights.type(weights.results[0])
    let tiles = max(pairs.products.count, weights.results.count)
    let ofColumn =
      pairs.products.reduce(0) { $0 + width($1.column) } + pairs.sums.reduce(0) { $0 + width($1.operand) }
    let rowTensors = Set(pairs.products.map(\.row) + pairs.sums.filter { !$0.isOfRow }.compactMap(\.operand))
    let ofRow = rowTensors.reduce(0) { $0 + width($1) }
    let panel = panel(element)
    let (queries, keys) = (pairs.extents[pairs.extents.count - 2], pairs.extents.last!)
    let (most, why) = mostRows(graph.region(node, "where")!, queries, keys, element)
    let rows = blockOfRows(queries, atMost: most)
    let fitting = (budget / element.byteCount - rows * ofRow) / (tiles * rows + ofColumn)
    let columns = blockOfColumns(keys, panel: panel, atMost: min(fitting, Self.mostKeysOfSums))
    let bytes = (tiles * rows * columns + rows * ofRow + columns * ofColumn) * element.byteCount
    return Choice(
      tile: TileSize(rows: rows, columns: columns),
      reason:
        "tiles of \(rows) x \(columns) keep \(kibibytes(bytes)) in a second-level cache of \(kibibytes(target.caches.level2)) on \(target)"
        + (why.map { "; \($0)" } ?? ""))
  }
}

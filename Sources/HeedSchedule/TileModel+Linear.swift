import HeedIR

extension TileModel {
  /// The most panels of weights in a block of a linear layer: enough to read the rows seldom, few enough for many blocks.
  private static let panelsOfBlock = 4

  /// A block of rows and the packed weights of one panel, over as much of the depth as fits with enough rows. Each row block is read
  /// for as many panels as `panelsOfBlock`.
  func linear(_ graph: Graph, _ node: NodeID) -> Choice {
    let inputs = Array(graph.operands(node))
    let subscripts = graph.attributes(node).required(.subscripts)
    let (left, right) = (graph.type(inputs[0]), graph.type(inputs[1]))
    func extent(_ letter: Character?) -> Extent {
      guard let letter else { return 1 }
      if let position = subscripts.right.firstIndex(of: letter) { return right.shape[position] }
      return left.shape[subscripts.left.firstIndex(of: letter)!]
    }
    let depth = ProductBlocks.depth(subscripts.over.map(extent))
    let element = left.element
    let panel = panel(element)
    let blocks = ProductBlocks(
      rows: extent(subscripts.leftFree.last).constant, depth: depth, panel: panel, byteCount: element.byteCount, on: target)
    let columns = blockOfColumns(extent(subscripts.rightFree.last), panel: panel, atMost: Self.panelsOfBlock * panel)
    return Choice(
      tile: TileSize(rows: blocks.rows, columns: columns),
      reason:
        "tiles of \(blocks.rows) x \(columns)\(blocks.depth.map { " and a depth of \($0) at once" } ?? ""): the rows and \(panel) "
        + "columns of weights take \(kibibytes(blocks.bytes)) of a second-level cache of \(kibibytes(target.caches.level2)) on \(target)"
    )
  }
}

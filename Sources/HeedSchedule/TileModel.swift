package import HeedIR

/// Chooses the tile of an op by what must stay in the second-level cache of one core.
///
/// Rows are a multiple of the register tile's 8, columns of the width of a packed panel.
package struct TileModel {
  package let target: Target

  package init(target: Target) { self.target = target }

  /// A tile, and why.
  package struct Choice {
    package let tile: TileSize
    package let reason: String
  }

  static let registerRows = 8
  static let mostRows = 96
  /// What a dimension whose length is not known counts as.
  static let typicalWidth = 128
  /// Wider dimensions count as this wide: far beyond any cache, and few enough for sums of bytes to be numbers.
  static let mostWidth = 1 << 40

  /// The tile of a node; nil where its op is not computed in tiles of a choice.
  package func tile(of node: NodeID, in graph: Graph) -> Choice? {
    switch graph.op(node) {
    case .attention: attention(graph, node)
    case .linear: linear(graph, node)
    case .pairSums, .pairScatter: pairs(graph, node)
    default: nil
    }
  }

  /// What a tile's rows and columns should be multiples of.
  package func steps(of node: NodeID, in graph: Graph) -> TileSize {
    TileSize(rows: Self.registerRows, columns: panel(graph.type(graph.operands(node).first ?? graph.results(node)[0]).element))
  }

  /// The columns of a packed panel, by the type of the operands.
  func panel(_ element: ElementType) -> Int { target.panelWidth(ofSums: Self.sums(element)) }

  /// The type of sums, by that of the operands.
  static func sums(_ element: ElementType) -> ElementType { element == .f64 ? .f64 : .f32 }

  /// The bytes that blocks may take: two thirds of the second-level cache.
  var budget: Int { target.caches.level2 / 3 * 2 }

  func blockOfRows(_ extent: Extent, atMost most: Int = Self.mostRows) -> Int {
    guard let rows = extent.constant, rows < most else { return most }
    return max(1, rows < Self.registerRows ? rows : roundedUp(rows, to: Self.registerRows))
  }

  /// The most panels that fit, at least one; where the extent is known, of about equal number in each block.
  func blockOfColumns(_ extent: Extent, panel: Int, atMost limit: Int) -> Int {
    let most = max(1, limit / panel)
    guard let columns = extent.constant else { return most * panel }
    let panels = max(1, roundedUp(columns, to: panel) / panel)
    let blocks = (panels + most - 1) / most
    return (panels + blocks - 1) / blocks * panel
  }

  /// The width of a dimension, as the model counts it.
  static func width(_ extent: Extent) -> Int { min(extent.constant ?? typicalWidth, mostWidth) }

  func roundedUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }

  func kibibytes(_ bytes: Int) -> String { "\((bytes + 1023) / 1024) KiB" }
}

import HeedIR
public import HeedSchedule

/// Tiles that were found by measuring, which `choose-tiles` takes in place of its model's.
public struct TunedTiles: Hashable, Sendable {
  /// A tile that was found for an op.
  public struct Entry: Hashable, Sendable {
    /// The best tile.
    public let tile: TileSize
    /// What the model chose when this was found. Where it now chooses something else, the entry is out of date.
    public let model: TileSize
    /// The time with the model's tile divided by the time with `tile`.
    public let gain: Double

    /// A tile that was `gain` times as fast as `model`.
    public init(tile: TileSize, model: TileSize, gain: Double) { (self.tile, self.model, self.gain) = (tile, model, gain) }
  }

  /// By what a tile is for: see `TileChoice.key`.
  public var entries: [String: Entry]

  /// Tiles by what they are for.
  public init(_ entries: [String: Entry] = [:]) { self.entries = entries }

  /// What was found for `key`, unless the model has changed its mind since.
  func entry(_ key: String, model: TileSize) -> Entry? { entries[key].flatMap { $0.model == model ? $0 : nil } }
}

/// What `choose-tiles` chose for an op.
public struct TileChoice: Hashable, Sendable {
  /// The op as it is called in text: `%out`.
  public let label: String
  /// What decides the best tile, as far as the graph knows it: op, types, regions, and a class of the shape. Ops with the same key
  /// have the same tile.
  public let key: String
  /// The tile that was set.
  public let tile: TileSize
  /// What the model would choose without measurements.
  public let model: TileSize
  /// What rows and columns should be multiples of.
  public let steps: TileSize
}

extension Graph {
  /// The key of a node's tile. Lengths that are not known are `?`; known ones are rounded up to powers of two. Those of the last
  /// dimensions are exact, since they are the sizes of a row and a column of a tile.
  func tileKey(_ node: NodeID) -> String {
    let types = operands(node).prefix(op(node) == Op.attention ? 3 : 2).map(type)
    let operands = types.enumerated().map { position, type in
      let isWeight = op(node) == Op.linear && position == 1
      let extents = type.shape.extents.enumerated().map { dimension, extent -> String in
        guard let size = extent.constant else { return "?" }
        return isWeight || dimension == type.rank - 1 ? "\(size)" : "\(size.roundedUpToPowerOfTwo)"
      }
      return "\(type.element)[\(extents.joined(separator: ","))]"
    }
    let subscripts = attributes(node)[.subscripts].map { " \($0)" } ?? ""
    let bodies = regions(node).map { " {" + $0.instructions.map(\.tileKey).joined(separator: " ") + "}" }
    return op(node).mnemonic + " " + operands.joined(separator: " ") + " -> \(type(results(node)[0]).element)" + subscripts
      + bodies.joined()
  }
}

extension ScalarFunction.Instruction {
  fileprivate var tileKey: String {
    switch operation {
    case .constant(let literal): literal.text(as: type)
    case .elementwise(let op): op.mnemonic
    case .element: "element"
    case .extent: Op.extent.mnemonic
    }
  }
}

extension Int {
  fileprivate var roundedUpToPowerOfTwo: Int {
    self <= 1 ? self : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
  }
}

internal import HeedIR

/// Where a kernel's tiles lie in a thread's scratch memory. Tiles of disjoint blocks share memory; scalars take none.
struct ScratchLayout {
  /// For each phase, for each tile in textual order, its offset in bytes, a multiple of 64; of no meaning for a scalar.
  private(set) var offsets: [[Int]] = []
  /// For each phase, its tiles in textual order.
  private(set) var tiles: [[Tile]] = []
  /// The bytes that a thread needs for any phase; at least 64.
  private(set) var byteCount = 64

  /// - Throws: where a tile is too large to address.
  init(_ kernel: Kernel) throws {
    for phase in kernel.phases {
      offsets.append([])
      tiles.append([])
      try place(phase.body, from: 0)
    }
  }

  /// The bytes of a tile's elements.
  /// - Throws: where they are too many to address.
  static func byteCount(_ tile: Tile) throws -> Int {
    let (bytes, overflow) = try Shape.elementCount(of: tile.shape).multipliedReportingOverflow(by: tile.element.byteCount)
    guard !overflow, bytes <= 1 << 40 else { throw HeedError("the tile %\(tile.name) has \(tile.shape) elements, too many") }
    return bytes
  }

  /// From one tile to the next: whole lines, and one between tiles that are filled alike, which keeps their rows in different sets of the
  /// cache.
  static func span(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 + 64 }

  /// Places the tiles of a block above `start`.
  private mutating func place(_ statements: [Statement], from start: Int) throws {
    var top = start
    for statement in statements {
      switch statement {
      case .tile(let tile):
        offsets[offsets.count - 1].append(top)
        tiles[tiles.count - 1].append(tile)
        if tile.isScalar { continue }
        top += Self.span(try Self.byteCount(tile))
        byteCount = max(byteCount, top)
      case .loop(let loop): try place(loop.body, from: top)
      case .branch(_, let then, let otherwise):
        try place(then, from: top)
        try place(otherwise, from: top)
      case .cold(let statements): try place(statements, from: top)
      case .define, .assign, .compute, .map, .contract: break
      }
    }
  }
}

/// The names of a phase's functions, and where its tiles lie.
struct PhaseLayout {
  /// The functions.
  let symbols: PhaseSymbols
  /// The tiles in textual order, each with its offset in bytes.
  let tiles: [(tile: Tile, offset: Int)]

  /// Of the phase at the position `number` of a kernel.
  init(_ symbols: PhaseSymbols, _ layout: ScratchLayout, phase number: Int) {
    self.symbols = symbols
    tiles = zip(layout.tiles[number], layout.offsets[number]).map { ($0, $1) }
  }
}

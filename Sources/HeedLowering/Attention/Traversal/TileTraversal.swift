import HeedIR

/// Which index of the score matrix a task owns, and which it goes through tile by tile.
enum TraversalOrder: Hashable, Sendable {
  /// A block of queries meets its keys: what is computed belongs to queries.
  case queryMajor
  /// A block of keys meets its queries: what is computed belongs to keys.
  case keyMajor
}

/// The order in which the tiles of a block of the score matrix are visited, and the questions that decide whether a tile is.
///
/// A block has an outer span, which the task owns, and an inner one, which is cut into tiles. The mask is asked, cheapest question first:
/// 1. for the range of inner indices that some outer index can see;
/// 2. about a group of tiles at once, then about each of its tiles: the interval extension says empty, full or open;
/// 3. about the granules of a tile that stays open, which also trim it; then about pairs, until one lives.
/// So a tile that is attended to holds a live pair.
///
/// This is written once, against a machine: the machine of kernels emits statements (`TraversalEmitter`), that of maps computes with
/// numbers (`TileMap`).
struct TileTraversal {
  let order: TraversalOrder
  /// The inner indices of a tile.
  let tile: Int
  /// The tiles of a group.
  let tilesOfGroup: Int
  /// Whether the inner indices of a block are known to fill whole tiles.
  var hasWholeTiles = false
  /// Whether the mask rules out anything.
  let isMasked: Bool
  /// Whether the mask's interval extension rules out every tile without a live pair.
  let isExact: Bool

  /// Visits the tiles of a block.
  /// - Parameter count: the inner indices of the block.
  func visit<Machine: TraversalMachine>(_ machine: Machine, count: Machine.Number) throws {
    let name: Name = order == .queryMajor ? "j0" : "i0"
    guard isMasked else {
      return try machine.forEach(name, from: 0, to: count, step: tile) { start in
        let columns = hasWholeTiles ? .from(tile) : machine.named("columns", .smaller(count - start, .from(tile)))
        try machine.attend(VisitedTile(first: start, count: columns, isOpen: 0))
      }
    }
    let range = try machine.innerRange()
    let length = tile * tilesOfGroup
    try machine.forEach("group", from: range.first, to: range.end, step: length) { first in
      let end = machine.named("group_end", .smaller(range.end, first + .from(length)))
      func visitTiles() throws {
        try machine.beginGroup(first, end)
        try machine.classifyTiles(first, end)
        try machine.forEach(name, from: first, to: end, step: tile) { start in
          let verdict = machine.verdict(ofTile: (start - first) / .from(tile))
          try visitTile(machine, start, machine.named("count", .smaller(end - start, .from(tile))), verdict)
        }
      }
      if range.isBounded && isExact { return try visitTiles() }
      try machine.when(try machine.groupCanHold(first, end), visitTiles) {
        try machine.leave(first, end - first, settledBy: .group)
      }
    }
  }

  private func visitTile<Machine: TraversalMachine>(
    _ machine: Machine, _ start: Machine.Number, _ count: Machine.Number, _ verdict: Machine.Number
  ) throws {
    guard !isExact else {
      return try machine.when(.notEqual(verdict, .verdict(.empty))) {
        try machine.attend(VisitedTile(first: start, count: count, isOpen: .equal(verdict, .verdict(.open))))
      } otherwise: {
        try machine.leave(start, count, settledBy: .tile)
      }
    }
    try machine.beginRefinement(verdict)
    try machine.when(.equal(verdict, .verdict(.open))) {
      try machine.classifyGranules(start, count)
      try machine.when(machine.isUndecided) {
        try machine.searchPairs(start, count)
      } otherwise: {
      }
    } otherwise: {
    }
    try machine.when(machine.isFound) {
      try machine.attend(try machine.trimmed(start, count))
    } otherwise: {
      try machine.leave(start, count, settledBy: nil)
    }
  }
}

/// The question that settled a tile.
package enum TraversalLevel: Int, CaseIterable, Sendable {
  /// It lies outside of the range that the outer span can see.
  case range
  /// The interval extension over a group of tiles, and over the tile.
  case group, tile
  /// The interval extension over granules of the tile, and the mask on its pairs.
  case granules, pairs
}

/// The inner indices that some outer index can see, counted from the first inner index of the block.
struct InnerRange<Number> {
  var first: Number
  /// Behind the last.
  var end: Number
  /// Whether the mask bounds either end.
  var isBounded: Bool
}

/// A tile that is attended to.
struct VisitedTile<Number> {
  /// Counted from the first inner index of the block.
  var first: Number
  var count: Number
  /// A condition: whether a pair may be dead.
  var isOpen: Number
}

/// A whole number or a condition of a traversal: an expression of a kernel, or a number.
protocol TraversalNumber: ExpressibleByIntegerLiteral where IntegerLiteralType == Int {
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  static func smaller(_ a: Self, _ b: Self) -> Self
  static func equal(_ a: Self, _ b: Self) -> Self
  static func notEqual(_ a: Self, _ b: Self) -> Self
  static func verdict(_ verdict: Verdict) -> Self
}

extension TraversalNumber {
  static func from(_ value: Int) -> Self { Self(integerLiteral: value) }
}

extension IntegerExpression: TraversalNumber {
  static func equal(_ a: Self, _ b: Self) -> Self { apply(.equal, a, b) }
  static func notEqual(_ a: Self, _ b: Self) -> Self { apply(.notEqual, a, b) }
}

extension Int: TraversalNumber {
  static func smaller(_ a: Int, _ b: Int) -> Int { Swift.min(a, b) }
  static func equal(_ a: Int, _ b: Int) -> Int { a == b ? 1 : 0 }
  static func notEqual(_ a: Int, _ b: Int) -> Int { a != b ? 1 : 0 }
  static func verdict(_ verdict: Verdict) -> Int { verdict.rawValue }
}

/// What carries a traversal out.
protocol TraversalMachine {
  associatedtype Number: TraversalNumber

  // Control flow.
  func named(_ name: Name, _ number: Number) -> Number
  func forEach(
    _ name: Name, from: Number, to end: Number, step: Int, _ body: (_ index: Number) throws -> Void
  ) throws
  func when(_ condition: Number, _ then: () throws -> Void, otherwise: () throws -> Void) throws

  // Questions, in the order in which they are asked.
  func innerRange() throws -> InnerRange<Number>
  func groupCanHold(_ first: Number, _ end: Number) throws -> Number
  func classifyTiles(_ first: Number, _ end: Number) throws
  func verdict(ofTile number: Number) -> Number
  func beginRefinement(_ verdict: Number) throws
  func classifyGranules(_ start: Number, _ count: Number) throws
  /// Whether granules may hold a live pair and none is known to.
  var isUndecided: Number { get }
  func searchPairs(_ start: Number, _ count: Number) throws
  /// Whether the tile being refined holds a live pair.
  var isFound: Number { get }
  /// The tile from the first granule that may hold a live pair to the last.
  func trimmed(_ start: Number, _ count: Number) throws -> VisitedTile<Number>

  // What is done.
  func beginGroup(_ first: Number, _ end: Number) throws
  func attend(_ tile: VisitedTile<Number>) throws
  /// - Parameter level: nil for what settled the refinement.
  func leave(_ start: Number, _ count: Number, settledBy level: TraversalLevel?) throws
}

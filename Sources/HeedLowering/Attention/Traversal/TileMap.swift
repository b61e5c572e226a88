package import HeedAnalysis
package import HeedIR
import HeedSchedule

/// What attention's kernel does with the tiles of one head's score matrix under a mask: the traversal that the kernel is made from, carried
/// out on numbers. For pictures, and for tests of what is skipped.
package struct TileMap {
  /// Inner tiles that a block of rows attends to or leaves out.
  package struct Visit: Hashable, Sendable {
    package let queries: Range<Int>
    /// Trimmed to the granules that may hold live pairs, where it is attended to.
    package let keys: Range<Int>
    /// The keys before they were trimmed.
    package let block: Range<Int>
    package let isLive: Bool
    /// Whether the mask is applied.
    package let isPartial: Bool
    package let settledBy: TraversalLevel
    /// The conjuncts of the mask, by number, that stayed open over the tile.
    package let open: [Int]
  }

  /// The most blocks of rows or of keys, and the most visits.
  package static let mostTiles = 1 << 20

  package let visits: [Visit]
  /// How often the interval extension, or for pairs the mask, was evaluated at each level.
  package let evaluations: [TraversalLevel: Int]
  package let queries: Int
  package let keys: Int
  /// The queries and the keys of a tile.
  package let rowBlock: Int
  package let keyBlock: Int
  /// Whether rows see their segment only: there are no visits to other keys.
  package let isRagged: Bool
  package let mask: MaskAnalysis
  let batch: [Int]
  let tables: [ReferenceArray]
  let binding: [Name: Int]

  /// The map of the attention `node` of a graph that the passes have left.
  ///
  /// - Parameters:
  ///   - binding: the graph's symbols.
  ///   - batch: the batch indices of the head.
  ///   - tables: the captured tensors, the operands of the node after the third.
  /// - Throws: where the node is not attention, a length is unknown or too large, there are too many tiles, or the mask reads outside of
  ///   a table.
  package init(
    _ graph: Graph, _ node: NodeID, target: Target, binding: [Name: Int], batch: [Int], tables: [ReferenceArray]
  ) throws {
    guard graph.op(node) == .attention else { throw HeedError("got \(graph.op(node).mnemonic), expected attention") }
    let operands = Array(graph.operands(node))
    let shapes = operands.prefix(2).map { graph.type($0).shape }
    let rank = shapes[0].rank
    let count = try shapes.map { try Shape([$0[rank - 2]]).evaluate { binding[$0] }[0] }
    (queries, keys) = (count[0], count[1])
    (self.batch, self.tables, self.binding) = (batch, tables, binding)
    mask = try MaskAnalysis(graph.region(node, "where")!)
    let types = AttentionTypes(
      operands: operands.prefix(3).map { graph.type($0).element }, score: graph.regions(node).first!.parameters[0].type, on: target)
    let attributes = graph.attributes(node)
    let panelWidth = target.panelWidth(ofSums: types.accumulator)
    let asked = attributes[.tile].map { TileSize(rows: $0[0], columns: $0[1]) }
    let tile = AttentionSchedule.tile(asked, panelWidth: panelWidth)
    (rowBlock, keyBlock) = (tile.rows, tile.columns)
    for (length, what, block) in [(queries, "queries", rowBlock), (keys, "keys", keyBlock)] {
      let most = min(Self.mostTiles * block, Int(Int32.max))
      guard length <= most else { throw HeedError("got \(length) \(what) for a map of tiles, expected at most \(most)") }
    }
    let ragged = attributes[.ragged]?.number
    isRagged = ragged != nil
    let machine = TileMapMachine(
      mask, tile: tile, granule: AttentionSchedule.granule(tile, panelWidth: panelWidth), panelWidth: panelWidth, batch: batch,
      tables: tables, binding: binding)
    if let ragged {
      let offsets = tables[ragged].integers.map { [queries] in min(max(Int($0), 0), queries) }
      for (start, end) in zip(offsets, offsets.dropFirst()) where start < end { try machine.visit(start..<end, start..<end) }
    } else {
      try machine.visit(0..<queries, 0..<keys)
    }
    (visits, evaluations) = (machine.visits, machine.evaluations)
  }
}

/// Carries a traversal out on numbers, and notes what it does.
private final class TileMapMachine {
  private let mask: MaskAnalysis
  private let tile: TileSize
  private let granule: TileSize
  private let panelWidth: Int
  private let batch: [Int]
  private let tables: [ReferenceArray]
  private let binding: [Name: Int]
  private(set) var visits: [TileMap.Visit] = []
  private(set) var evaluations: [TraversalLevel: Int] = [:]
  /// The block that is visited.
  private var rows = 0..<0
  private var keys = 0..<0
  private var verdicts: [Verdict] = []
  private var refinement = Refinement()

  /// What is known of the tile that is being refined.
  private struct Refinement {
    var level = TraversalLevel.tile
    var isFound = false
    var isOpen = false
    /// The granules that may hold a live pair.
    var possible: [(queries: Range<Int>, keys: Range<Int>)] = []
    /// The tile before it is trimmed.
    var tile: Range<Int>?
  }

  init(
    _ mask: MaskAnalysis, tile: TileSize, granule: TileSize, panelWidth: Int, batch: [Int], tables: [ReferenceArray],
    binding: [Name: Int]
  ) {
    (self.mask, self.tile, self.granule, self.panelWidth) = (mask, tile, granule, panelWidth)
    (self.batch, self.tables, self.binding) = (batch, tables, binding)
  }

  func visit(_ queries: Range<Int>, _ keys: Range<Int>) throws {
    self.keys = keys
    let traversal = TileTraversal(
      order: .queryMajor, tile: tile.columns, tilesOfGroup: AttentionSchedule.tilesOfGroup, isMasked: true,
      isExact: mask.interval.isExact)
    for first in stride(from: queries.lowerBound, to: queries.upperBound, by: tile.rows) {
      rows = first..<min(first + tile.rows, queries.upperBound)
      try traversal.visit(self, count: keys.count)
    }
  }

  /// The keys of the op from `start` of the block.
  private func range(_ start: Int, _ count: Int) -> Range<Int> { keys.lowerBound + start..<keys.lowerBound + start + count }

  private func ask(_ rows: Range<Int>, _ keys: Range<Int>, _ level: TraversalLevel) throws -> (canHold: Bool, canFail: Bool) {
    evaluations[level, default: 0] += 1
    return try mask.interval.verdict(
      queries: rows.lowerBound...rows.upperBound - 1, keys: keys.lowerBound...keys.upperBound - 1, batch: batch, tables: tables,
      binding: binding)
  }

  private func note(_ block: Range<Int>, trimmedTo keys: Range<Int>? = nil, isLive: Bool, isOpen: Bool, _ level: TraversalLevel)
    throws
  {
    let open =
      isOpen
      ? try mask.openConjuncts(
        queries: rows.lowerBound...rows.upperBound - 1, keys: block.lowerBound...block.upperBound - 1, batch: batch, tables: tables,
        binding: binding)
      : []
    guard visits.count < TileMap.mostTiles else {
      throw HeedError("got more than \(TileMap.mostTiles) tiles for a map, expected fewer: smaller sizes")
    }
    visits.append(
      TileMap.Visit(
        queries: rows, keys: keys ?? block, block: block, isLive: isLive, isPartial: isOpen, settledBy: level, open: open))
  }
}

extension TileMapMachine: TraversalMachine {
  func named(_ name: Name, _ number: Int) -> Int { number }

  func forEach(_ name: Name, from: Int, to end: Int, step: Int, _ body: (Int) throws -> Void) throws {
    for index in stride(from: from, to: end, by: step) { try body(index) }
  }

  func when(_ condition: Int, _ then: () throws -> Void, otherwise: () throws -> Void) throws {
    try condition != 0 ? then() : otherwise()
  }

  func innerRange() throws -> InnerRange<Int> {
    let range = mask.keysOfQueries
    guard range.isBounded else { return InnerRange(first: 0, end: keys.count, isBounded: false) }
    let terms = try mask.uniformNumbers.map {
      Int(try $0.evaluate(batch: batch, query: 0, key: 0, tables: tables, binding: binding).integer)
    }
    let (low, high) = try range.evaluate(
      rows.lowerBound...rows.upperBound - 1, count: keys.upperBound, batch: batch, terms: terms, binding: binding)
    let first = low.map { min(max($0 - keys.lowerBound, 0) / panelWidth * panelWidth, keys.count) } ?? 0
    let end = max(first, min(keys.count, high.map { $0 + 1 - keys.lowerBound } ?? keys.count))
    for (start, end) in [(0, first), (end, keys.count)] where start < end { try leave(start, end - start, settledBy: .range) }
    return InnerRange(first: first, end: end, isBounded: true)
  }

  func beginGroup(_ first: Int, _ end: Int) {}

  func groupCanHold(_ first: Int, _ end: Int) throws -> Int { try ask(rows, range(first, end - first), .group).canHold ? 1 : 0 }

  func classifyTiles(_ first: Int, _ end: Int) throws {
    verdicts = try stride(from: first, to: end, by: tile.columns).map { start in
      let answer = try ask(rows, range(start, min(tile.columns, end - start)), .tile)
      return !answer.canHold ? .empty : answer.canFail ? .open : .full
    }
  }

  func verdict(ofTile number: Int) -> Int { verdicts[number].rawValue }

  // MARK: Refinement

  func beginRefinement(_ verdict: Int) { refinement = Refinement(isFound: verdict == Verdict.full.rawValue) }

  func classifyGranules(_ start: Int, _ count: Int) throws {
    refinement.level = .granules
    for (queries, keys) in granules(range(start, count)) {
      let answer = try ask(queries, keys, .granules)
      if answer.canHold { refinement.possible.append((queries, keys)) }
      refinement.isFound = refinement.isFound || answer.canHold && !answer.canFail
      refinement.isOpen = refinement.isOpen || answer.canFail
    }
  }

  var isUndecided: Int { !refinement.isFound && !refinement.possible.isEmpty ? 1 : 0 }

  func searchPairs(_ start: Int, _ count: Int) throws {
    refinement.level = .pairs
    for granule in refinement.possible where !refinement.isFound {
      evaluations[.pairs, default: 0] += granule.queries.count * granule.keys.count
      refinement.isFound = try granule.queries.contains { query in
        try granule.keys.contains { key in
          try mask.condition.evaluate((batch + [query, key]).map { Literal($0) }, tables: tables, binding: binding)[0].integer != 0
        }
      }
    }
  }

  var isFound: Int { refinement.isFound ? 1 : 0 }

  func trimmed(_ start: Int, _ count: Int) throws -> VisitedTile<Int> {
    refinement.tile = range(start, count)
    guard refinement.level != .tile else { return VisitedTile(first: start, count: count, isOpen: 0) }
    let first = refinement.possible.map(\.keys.lowerBound).min()! - keys.lowerBound
    let end = refinement.possible.map(\.keys.upperBound).max()! - keys.lowerBound
    let trimmedFirst = max(first, start) / panelWidth * panelWidth
    return VisitedTile(first: trimmedFirst, count: min(end, start + count) - trimmedFirst, isOpen: refinement.isOpen ? 1 : 0)
  }

  /// The granules of a tile, row by row. Those of keys stand at multiples of their size.
  private func granules(_ keys: Range<Int>) -> [(Range<Int>, Range<Int>)] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: granule.rows).flatMap { row in
      stride(from: keys.lowerBound / granule.columns * granule.columns, to: keys.upperBound, by: granule.columns).map { key in
        (row..<min(row + granule.rows, rows.upperBound), max(key, keys.lowerBound)..<min(key + granule.columns, keys.upperBound))
      }
    }
  }

  // MARK: What is done

  func attend(_ tile: VisitedTile<Int>) throws {
    let keys = range(tile.first, tile.count)
    try note(refinement.tile ?? keys, trimmedTo: keys, isLive: true, isOpen: tile.isOpen != 0, refinement.level)
  }

  func leave(_ start: Int, _ count: Int, settledBy level: TraversalLevel?) throws {
    try note(range(start, count), isLive: false, isOpen: false, level ?? refinement.level)
  }
}

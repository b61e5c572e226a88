import HeedAnalysis
package import HeedIR

/// What attention's kernel does with the tiles of one head's score matrix under a mask: the same blocks, questions and answers as in the
/// kernel, on values of the tables that are known. For pictures, and for tests of what is skipped.
package struct TileMap {
  /// Which question settled a block.
  package enum Level: Int, CaseIterable, Sendable {
    /// Outside of the run of keys that a block of rows can see.
    case run
    /// The twin over many blocks at once, and over the block.
    case group, block
    /// The twin over granules of the block, and the mask on its pairs.
    case granules, pairs
  }

  /// Blocks of keys that a block of rows attends to or leaves out.
  package struct Visit: Hashable, Sendable {
    package let queries: Range<Int>
    /// Trimmed to the granules that may hold live pairs, where it is attended.
    package let keys: Range<Int>
    /// The keys before they were trimmed.
    package let block: Range<Int>
    package let isLive: Bool
    /// Whether the mask is applied.
    package let isPartial: Bool
    package let settledBy: Level
    /// The parts of the mask, by number in `conjuncts`, that the twin left open over the block.
    package let open: [Int]
  }

  package private(set) var visits: [Visit] = []
  /// How often the twin, or for pairs the mask, was evaluated at each level.
  package private(set) var evaluations: [Level: Int] = [:]
  package let queries: Int
  package let keys: Int
  package let rowBlock: Int
  package let keyBlock: Int
  /// Whether rows see their segment only: there are no visits to other keys.
  package let isRagged: Bool
  /// The parts of the mask that must all hold.
  package let conjuncts: [ScalarFunction]

  /// The mask.
  package let condition: ScalarFunction
  private let mask: MaskAnalysis
  private let twin: IntervalExtension
  let batch: [Int]
  let tables: [ReferenceArray]
  private let panelWidth: Int
  private let queryGranule: Int
  private let keyGranule: Int

  /// The map of the attention `node` of a graph that the passes have left.
  ///
  /// - Parameters:
  ///   - binding: the graph's symbols.
  ///   - batch: the batch indices of the head.
  ///   - tables: the captured tensors, the operands of the node after the third.
  /// - Throws: where the node is no attention, a length is unknown or the mask reads outside of a table.
  package init(
    _ graph: Graph, _ node: NodeID, target: Target, binding: [Name: Int], batch: [Int], tables: [ReferenceArray]
  ) throws {
    guard graph.op(node) == .attention else { throw HeedError("got \(graph.op(node).mnemonic), expected attention") }
    let shapes = graph.operands(node).prefix(2).map { graph.type($0).shape }
    let rank = shapes[0].rank
    queries = try Shape([shapes[0][rank - 2]]).evaluate { binding[$0] }[0]
    keys = try Shape([shapes[1][rank - 2]]).evaluate { binding[$0] }[0]
    condition = graph.regions(node).last!
    mask = try MaskAnalysis(condition)
    twin = mask.interval
    conjuncts = mask.conjuncts
    let types = AttentionTypes(
      operands: graph.type(graph.operands(node).first!).element, score: graph.regions(node).first!.parameters[0].type, on: target)
    panelWidth = 3 * target.lanes(of: types.accumulator)
    let attributes = graph.attributes(node)
    let tile = attributes[.tile] ?? [96, 8 * panelWidth]
    rowBlock = max(1, tile[0])
    keyBlock = (tile[1] + panelWidth - 1) / panelWidth * panelWidth
    queryGranule = AttentionLowering.granule(dividing: rowBlock)
    keyGranule = AttentionLowering.granule(dividing: panelWidth)
    (self.batch, self.tables) = (batch, tables)
    isRagged = attributes[.ragged] != nil
    if let ragged = attributes[.ragged] {
      let offsets = tables[ragged.number].integers.map { min(max(Int($0), 0), queries) }
      for (start, end) in zip(offsets, offsets.dropFirst()) where start < end { try visit(start..<end, start..<end) }
    } else {
      try visit(0..<queries, 0..<keys)
    }
  }

  private mutating func visit(_ queries: Range<Int>, _ keys: Range<Int>) throws {
    for first in stride(from: queries.lowerBound, to: queries.upperBound, by: rowBlock) {
      try visitRows(first..<min(first + rowBlock, queries.upperBound), keys)
    }
  }

  private mutating func visitRows(_ rows: Range<Int>, _ keys: Range<Int>) throws {
    let terms = try mask.uniformNumbers.map {
      Int(try $0.evaluate(batch: batch, query: 0, key: 0, tables: tables).integer)
    }
    let run = try mask.keysOfQueries.evaluate(
      rows.lowerBound...rows.upperBound - 1, count: keys.upperBound, batch: batch, terms: terms)
    let low = run.low.map { max($0 - keys.lowerBound, 0) / panelWidth * panelWidth + keys.lowerBound } ?? keys.lowerBound
    let end = min(keys.upperBound, run.high.map { $0 + 1 } ?? keys.upperBound)
    let (first, last) = (min(low, keys.upperBound), max(min(low, keys.upperBound), end))
    for part in [keys.lowerBound..<first, last..<keys.upperBound] where !part.isEmpty {
      visits.append(Visit(queries: rows, keys: part, block: part, isLive: false, isPartial: false, settledBy: .run, open: []))
    }
    let isRun = run.low != nil || run.high != nil
    let step = AttentionLowering.blocksOfRun * keyBlock
    for start in stride(from: first, to: last, by: step) {
      let run = start..<min(start + step, last)
      if !(isRun && twin.isExact), !(try ask(rows, run, .group).canHold) {
        visits.append(Visit(queries: rows, keys: run, block: run, isLive: false, isPartial: false, settledBy: .group, open: []))
        continue
      }
      for block in stride(from: run.lowerBound, to: run.upperBound, by: keyBlock) {
        try visitBlock(rows, block..<min(block + keyBlock, run.upperBound))
      }
    }
  }

  private mutating func ask(_ rows: Range<Int>, _ keys: Range<Int>, _ level: Level) throws -> (canHold: Bool, canFail: Bool) {
    evaluations[level, default: 0] += 1
    return try twin.verdict(
      queries: rows.lowerBound...rows.upperBound - 1, keys: keys.lowerBound...keys.upperBound - 1, batch: batch, tables: tables)
  }

  private mutating func visitBlock(_ rows: Range<Int>, _ keys: Range<Int>) throws {
    let (verdict, block) = (try ask(rows, keys, .block), keys)
    func visit(_ keys: Range<Int>, isLive: Bool, isPartial: Bool? = nil, _ level: Level) throws {
      var open: [Int] = []
      let isPartial = isLive && (isPartial ?? verdict.canFail)
      if isPartial {
        open = try mask.openConjuncts(
          queries: rows.lowerBound...rows.upperBound - 1, keys: block.lowerBound...block.upperBound - 1, batch: batch,
          tables: tables)
      }
      visits.append(
        Visit(queries: rows, keys: keys, block: block, isLive: isLive, isPartial: isPartial, settledBy: level, open: open))
    }
    guard verdict.canHold && verdict.canFail && !twin.isExact else { return try visit(keys, isLive: verdict.canHold, .block) }
    var (isFound, isPartial) = (false, false)
    var possible: [(queries: Range<Int>, keys: Range<Int>)] = []
    for (queries, range) in granules(rows, keys) {
      let answer = try ask(queries, range, .granules)
      if answer.canHold { possible.append((queries, range)) }
      isFound = isFound || answer.canHold && !answer.canFail
      isPartial = isPartial || answer.canFail
    }
    guard !possible.isEmpty else { return try visit(keys, isLive: false, .granules) }
    let first = possible.map(\.keys.lowerBound).min()!
    let trimmed = (first - keys.lowerBound) / panelWidth * panelWidth + keys.lowerBound..<possible.map(\.keys.upperBound).max()!
    if isFound { return try visit(trimmed, isLive: true, isPartial: isPartial, .granules) }
    for granule in possible {
      evaluations[.pairs, default: 0] += granule.queries.count * granule.keys.count
      if try holds(granule.queries, granule.keys) { return try visit(trimmed, isLive: true, .pairs) }
    }
    try visit(keys, isLive: false, .pairs)
  }

  private func holds(_ queries: Range<Int>, _ keys: Range<Int>) throws -> Bool {
    for query in queries {
      for key in keys
      where try condition.evaluate((batch + [query, key]).map { Literal($0) }, tables: tables)[0].integer != 0 { return true }
    }
    return false
  }

  /// The granules of a block, row by row. Those of keys stand at multiples of their size.
  private func granules(_ rows: Range<Int>, _ keys: Range<Int>) -> [(Range<Int>, Range<Int>)] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: queryGranule).flatMap { row in
      stride(from: keys.lowerBound / keyGranule * keyGranule, to: keys.upperBound, by: keyGranule).map { key in
        (
          row..<min(row + queryGranule, rows.upperBound),
          max(key, keys.lowerBound)..<min(key + keyGranule, keys.upperBound)
        )
      }
    }
  }
}

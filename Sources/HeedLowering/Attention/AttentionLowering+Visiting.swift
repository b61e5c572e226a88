import HeedAnalysis
import HeedIR

/// The loop over the keys of a block of rows: over those that a query may see, by the twin's verdicts.
extension AttentionLowering {
  /// Keys that a block of rows attends to at once.
  struct KeyTile {
    /// Counted from the first key of the segment; at the start of a panel.
    var firstKey: IntegerExpression
    /// The panel that it begins.
    var firstPanel: IntegerExpression
    var columns: IntegerExpression
    /// A condition: whether a pair may be dead.
    var isPartial: IntegerExpression
  }

  typealias Visit = (_ lowering: inout AttentionLowering, _ tile: KeyTile, _ block: inout [Statement]) throws -> Void

  /// - Parameter columns: the keys of each block, where all have as many.
  mutating func visitTiles(
    _ at: ScoreBlock, columns: IntegerExpression? = nil, context: inout LoweringContext, in block: inout [Statement],
    _ visit: Visit
  ) throws {
    guard isMasked else {
      let step = builder.variable("j0")
      let j0 = IntegerExpression.variable(step)
      var round: [Statement] = []
      let columns = columns ?? builder.define("columns", .smaller(at.keyCount - j0, .constant(keyBlock)), in: &round)
      try visit(
        &self, KeyTile(firstKey: j0, firstPanel: at.firstPanel + j0 / .constant(panelWidth), columns: columns, isPartial: 0), &round
      )
      block.append(.loop(Loop(step, from: 0, to: at.keyCount, step: keyBlock, body: round)))
      return
    }
    let bounds = try boundQueries(at, in: &block)
    let run = try keyBounds(at, context: &context, in: &block)
    let verdicts = builder.tile("verdicts", .i32, [Self.blocksOfRun], in: &block)
    let look = makeLook(in: &block)
    let step = builder.variable("run")
    let first = IntegerExpression.variable(step)
    var ofRun: [Statement] = []
    let length = (at.band?.blocks ?? Self.blocksOfRun) * keyBlock
    let end = builder.define("run_end", .smaller(run.end, first + .constant(length)), in: &ofRun)
    // Tiles are numbered as they stand in the text.
    let mayLive = run.isBounded && twin.isExact ? 1 : try judgeRun(at, first, end, bounds, in: &ofRun)
    var blocks: [Statement] = []
    let packedKey = classifiesOnly ? nil : at.band.map { packRun(at, $0, first, end, in: &blocks) }
    func panel(_ key: IntegerExpression) -> IntegerExpression {
      packedKey.map { (key - $0) / .constant(panelWidth) } ?? at.firstPanel + key / .constant(panelWidth)
    }
    try judge(at, first, end, bounds, verdicts, in: &blocks)
    let keyStep = builder.variable("j0")
    let j0 = IntegerExpression.variable(keyStep)
    var ofBlock: [Statement] = []
    let verdict = builder.define("verdict", .load(Access(verdicts, (j0 - first) / .constant(keyBlock))), in: &ofBlock)
    let keys = builder.define("keys", .smaller(end - j0, .constant(keyBlock)), in: &ofBlock)
    if let look {
      try refine(at, j0, keys, bounds, verdict, look, in: &ofBlock)
      var live: [Statement] = []
      let tile = trimmed(at, j0, keys, look, in: &live)
      try visit(
        &self,
        KeyTile(
          firstKey: tile.first, firstPanel: panel(tile.first), columns: tile.columns,
          isPartial: .apply(.notEqual, .load(Access(look.partial, 0)), 0)),
        &live)
      ofBlock.append(.branch(condition: .apply(.notEqual, .load(Access(look.found, 0)), 0), then: live, otherwise: []))
    } else {
      var live: [Statement] = []
      try visit(
        &self, KeyTile(firstKey: j0, firstPanel: panel(j0), columns: keys, isPartial: .apply(.lessEqual, 2, verdict)), &live)
      ofBlock.append(.branch(condition: .apply(.notEqual, verdict % 2, 0), then: live, otherwise: []))
    }
    blocks.append(.loop(Loop(keyStep, from: first, to: end, step: keyBlock, body: ofBlock)))
    if mayLive == 1 { ofRun += blocks } else { ofRun.append(.branch(condition: mayLive, then: blocks, otherwise: [])) }
    block.append(.loop(Loop(step, from: run.first, to: run.end, step: length, body: ofRun)))
  }

  /// Where the live keys of the block of rows begin, at the start of a panel, and end: counted from the first key of the segment.
  mutating func keyBounds(
    _ at: ScoreBlock, context: inout LoweringContext, describes: Bool = true, in block: inout [Statement]
  ) throws -> (first: IntegerExpression, end: IntegerExpression, isBounded: Bool) {
    var numbers: [IntegerExpression] = []
    let terms = mask.uniformNumbers
    if !terms.isEmpty {
      let values = builder.tile("uniform", .i64, [terms.count], in: &block)
      let lowering = self
      try builder.map([("u", 1)], in: &block) { body, _ in
        for (number, term) in terms.enumerated() {
          let value = try lowering.value(of: term, at: at.batch + [0, 0], in: &body)
          body.store(value, Access(values, .constant(number)))
        }
      }
      for number in terms.indices {
        let value = IntegerExpression.apply(
          .maximum, .load(Access(values, .constant(number))), .constant(-IndexRange.mostOfTerm))
        numbers.append(builder.define("term", .smaller(value, .constant(IndexRange.mostOfTerm)), in: &block))
      }
    }
    let (lastRow, keys) = (builder.define("i1", at.firstRow + at.rows - 1, in: &block), at.firstKey + at.keyCount)
    let range = expressions(mask.keysOfQueries, arguments: [at.firstRow, lastRow, keys] + at.batch + numbers) {
      builder.define("large", $0, in: &block)
    }
    let panel = IntegerExpression.constant(panelWidth)
    let first = range.low.map { builder.define("first", .apply(.maximum, $0 - at.firstKey, 0) / panel * panel, in: &block) }
    let end = range.high.map { builder.define("end", .smaller($0 - at.firstKey + 1, at.keyCount), in: &block) }
    if describes, first != nil || end != nil {
      context.remark(
        .applied, context.graph.results(node)[0],
        "the live keys of a block of rows form a run: the loop over keys \(first == nil ? "ends where it ends" : end == nil ? "begins where it begins" : "has its bounds")"
      )
    }
    return (first ?? 0, end ?? at.keyCount, first != nil || end != nil)
  }

  /// The granules, or groups of them, that hold the keys from `first` to `last`, counted from the first key of the segment: the number of
  /// the first one and how many there are.
  func granules(
    _ at: ScoreBlock, _ first: IntegerExpression, _ last: IntegerExpression, size: Int
  ) -> (first: IntegerExpression, count: IntegerExpression) {
    let start = (at.firstKey + first) / .constant(size)
    return (start, (at.firstKey + last) / .constant(size) - start + 1)
  }

  private func rectangle(_ at: ScoreBlock, _ firstKey: IntegerExpression, _ lastKey: IntegerExpression) -> Rectangle {
    Rectangle(
      firstQuery: at.firstRow, lastQuery: at.firstRow + at.rows - 1, firstKey: at.firstKey + firstKey,
      lastKey: at.firstKey + lastKey)
  }

  /// Where the bounds of the query terms over all rows of the block lie.
  private func placesOfAllRows(_ bounds: [Int: QueryBounds]) -> TermPlaces {
    TermPlaces(query: bounds.mapValues { (place: $0.all, index: 0) })
  }

  /// The twin's answers for a rectangle of the block, for each head of its groups; stored as 1 (can hold) + 2 (can fail).
  private mutating func judgeRun(
    _ at: ScoreBlock, _ first: IntegerExpression, _ end: IntegerExpression, _ bounds: [Int: QueryBounds],
    in block: inout [Statement]
  ) throws -> IntegerExpression {
    var places = placesOfAllRows(bounds)
    let lowering = self
    for (number, summary) in summaries.sorted(by: { $0.key < $1.key }) {
      let tiles = boundTiles(number, "run", 1, in: &block)
      let type = twin.terms[number].boundType
      let groups = granules(at, first, end - 1, size: keyGranule * Self.granulesOfGroup)
      let leading = twin.terms[number].batch.map { at.batch[$0] }
      builder.map([("u", 1)], in: &block) { body, _ in lowering.begin(type, tiles, [0], in: &body) }
      builder.map([("n", groups.count)], in: &block) { body, index in
        lowering.merge(
          type, summary.groups, (leading + [groups.first + index[0]]).map { Access.Index($0) }, tiles, [0], in: &body)
      }
      places.key[number] = (tiles, [0])
    }
    let mayLive = builder.tile("may_live", .i32, [1], in: &block)
    try builder.map([("u", 1)], in: &block) { body, _ in
      let verdict = try lowering.ask(lowering.rectangle(at, first, end - 1), batch: at.batch, places, in: &body)
      body.store(try body.apply(.convert, verdict.canHold, type: .i32), Access(mayLive, 0))
    }
    return .apply(.notEqual, .load(Access(mayLive, 0)), 0)
  }

  /// The twin's answers for each block of keys of a run: 1 where a pair can live plus 2 where one can be dead.
  private mutating func judge(
    _ at: ScoreBlock, _ first: IntegerExpression, _ end: IntegerExpression, _ bounds: [Int: QueryBounds], _ verdicts: Place,
    in block: inout [Statement]
  ) throws {
    var places = placesOfAllRows(bounds)
    let (lowering, size) = (self, IntegerExpression.constant(keyBlock))
    let count = builder.define("blocks", (end - first).ceilingDivided(by: keyBlock), in: &block)
    let (blockDimension, n) = builder.dimension("n", count)
    for number in summaries.keys.sorted() {
      let tiles = boundTiles(number, "block", Self.blocksOfRun, in: &block)
      let type = twin.terms[number].boundType
      let leading = twin.terms[number].batch.map { at.batch[$0] }
      builder.map([("n", count)], in: &block) { body, index in lowering.begin(type, tiles, index, in: &body) }
      // A block that does not begin with a granule touches one more.
      let most = keyBlock / keyGranule + (offsetsTable == nil ? 0 : 1)
      builder.map([("n", count), ("g", .constant(most))], in: &block) { body, index in
        let granule = (at.firstKey + first + index[0] * size) / .constant(lowering.keyGranule) + index[1]
        let source = leading.map { Access.Index($0) } + [Access.Index(granule, isGuarded: true)]
        lowering.merge(type, lowering.summaries[number]!.granules, source, tiles, [index[0]], in: &body)
      }
      places.key[number] = (tiles, [n])
    }
    var body = Body()
    let start = first + n * size
    let verdict = try ask(rectangle(at, start, .smaller(end, start + size) - 1), batch: at.batch, places, in: &body)
    let canHold = try body.apply(.convert, verdict.canHold, type: .i32)
    let canFail = try body.apply(.convert, verdict.canFail, type: .i32)
    let twice = try body.apply(.add, canFail, canFail)
    body.store(try body.apply(.add, canHold, twice), Access(verdicts, n))
    block.append(.map(Map([blockDimension], body)))
  }

  /// The twin's answer for a part of the keys of few rows, over the heads that share them: 1 where a pair can live plus 2 where one can
  /// be dead.
  mutating func judgePart(
    _ at: ScoreBlock, _ j0: IntegerExpression, _ columns: IntegerExpression, in block: inout [Statement]
  ) throws -> IntegerExpression {
    guard isMasked else { return 1 }
    var places = placesOfAllRows(try boundQueries(at, in: &block))
    let lowering = self
    // A summary of a head in the group is not that of the others.
    for number in summaries.keys.sorted() {
      let (term, tiles) = (twin.terms[number], boundTiles(number, "part", 1, in: &block))
      let granules = granules(at, j0, j0 + columns - 1, size: keyGranule)
      builder.map([("u", 1)], in: &block) { body, _ in lowering.begin(term.boundType, tiles, [0], in: &body) }
      builder.map(groupDimensions(at) + [("g", granules.count)], in: &block) { body, index in
        let batch = lowering.batchIndices(at, index.dropLast())
        let place = (term.batch.map { batch[$0] } + [granules.first + index.last!]).map { Access.Index($0) }
        lowering.merge(term.boundType, lowering.summaries[number]!.granules, place, tiles, [0], in: &body)
      }
      places.key[number] = (tiles, [0])
    }
    let answers = builder.tile("answers", .i32, [2], in: &block)
    builder.map([("u", 1)], in: &block) { body, _ in
      for place in 0..<2 { body.store(body.index(0, .i32), Access(answers, .constant(place))) }
    }
    try builder.map(groupDimensions(at) + [("u", 1)], in: &block) { body, index in
      let batch = lowering.batchIndices(at, index.dropLast())
      let verdict = try lowering.ask(lowering.rectangle(at, j0, j0 + columns - 1), batch: batch, places, in: &body)
      for (place, answer) in [verdict.canHold, verdict.canFail].enumerated() {
        body.accumulate(.maximum, try body.apply(.convert, answer, type: .i32), Access(answers, .constant(place)))
      }
    }
    return builder.define(
      "verdict", .load(Access(answers, 0)) + .load(Access(answers, 1)) * 2, in: &block)
  }

  /// The dimensions of a map over the heads of a block's group.
  private func groupDimensions(_ at: ScoreBlock) -> [(Name, IntegerExpression)] {
    at.groups.map { (Name("g\($0)"), IntegerExpression(batch[$0])) }
  }

  private func batchIndices(_ at: ScoreBlock, _ indices: ArraySlice<IntegerExpression>) -> [IntegerExpression] {
    var batch = at.batch
    for (position, index) in zip(at.groups, indices) { batch[position] = index }
    return batch
  }
}

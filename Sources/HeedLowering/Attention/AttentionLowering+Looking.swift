import HeedIR

/// Blocks that the twin leaves open, looked at more closely: in granules, then pair by pair.
extension AttentionLowering {
  /// The scratch tiles of a closer look.
  struct Look {
    /// Not 0 where a live pair was found.
    var found: Place
    /// Not 0 where a granule may hold one.
    var possible: Place
    /// The first and the last granule of keys that may hold one.
    var span: Place
    /// Not 0 where a pair may be dead.
    var partial: Place
    /// For each granule of queries and each of keys, whether they may hold one.
    var granules: Place
  }

  /// The tiles of a closer look; nil where the twin rules out every rectangle without a live pair.
  mutating func makeLook(in block: inout [Statement]) -> Look? {
    guard !twin.isExact else { return nil }
    // Keys that do not begin with a granule touch one more.
    let counts = [rowBlock / queryGranule, keyBlock / keyGranule + (offsetsTable == nil ? 0 : 1)]
    return Look(
      found: builder.tile("found", .i32, [1], in: &block), possible: builder.tile("possible", .i32, [1], in: &block),
      span: builder.tile("span", .i32, [2], in: &block), partial: builder.tile("partial", .i32, [1], in: &block),
      granules: builder.tile("granules", .i32, counts, in: &block))
  }

  /// Looks at a block of keys: afterwards `look.found` says whether a pair lives, and `look.span` where.
  mutating func refine(
    _ at: ScoreBlock, _ j0: IntegerExpression, _ keys: IntegerExpression, _ bounds: [Int: QueryBounds],
    _ verdict: IntegerExpression, _ look: Look, in block: inout [Statement]
  ) throws {
    let isFull = IntegerExpression.apply(.equal, verdict, 1)
    let most = IntegerExpression.constant(keyBlock)
    builder.map([("u", 1)], in: &block) { body, _ in
      body.store(body.index(isFull, .i32), Access(look.found, 0))
      body.store(body.index(0, .i32), Access(look.possible, 0))
      body.store(body.index(0, .i32), Access(look.partial, 0))
      body.store(body.index(most - isFull * most, .i32), Access(look.span, 0))
      body.store(body.index(isFull * most - 1, .i32), Access(look.span, 1))
    }
    var open: [Statement] = []
    let (firstGranule, count) = granules(at, j0, j0 + keys - 1, size: keyGranule)
    let start = builder.define("granule", firstGranule, in: &open)
    try judgeGranules(at, j0, keys, start, count, bounds, look, in: &open)
    var search: [Statement] = []
    try searchPairs(at, j0, keys, start, count, look, in: &search)
    let isOpen = IntegerExpression.apply(
      .and, .apply(.equal, .load(Access(look.found, 0)), 0), .apply(.notEqual, .load(Access(look.possible, 0)), 0))
    open.append(.branch(condition: isOpen, then: search, otherwise: []))
    block.append(.branch(condition: .apply(.equal, verdict, 3), then: open, otherwise: []))
  }

  /// The keys from the first granule that may hold a live pair to the last.
  mutating func trimmed(
    _ at: ScoreBlock, _ j0: IntegerExpression, _ keys: IntegerExpression, _ look: Look, in block: inout [Statement]
  ) -> (first: IntegerExpression, columns: IntegerExpression) {
    let (start, _) = granules(at, j0, j0, size: keyGranule)
    let (granule, panel) = (IntegerExpression.constant(keyGranule), IntegerExpression.constant(panelWidth))
    let first = (start + .load(Access(look.span, 0))) * granule - at.firstKey
    let end = (start + .load(Access(look.span, 1)) + 1) * granule - at.firstKey
    let firstKey = builder.define("first_key", .apply(.maximum, first, j0) / panel * panel, in: &block)
    let columns = builder.define("columns", .smaller(end, j0 + keys) - firstKey, in: &block)
    return (firstKey, columns)
  }

  /// The keys of a granule that are among those from `j0`: the first one and the last one, as indices of the op.
  private func keys(
    _ at: ScoreBlock, _ granule: IntegerExpression, _ j0: IntegerExpression, _ keys: IntegerExpression
  ) -> (first: IntegerExpression, last: IntegerExpression) {
    let size = IntegerExpression.constant(keyGranule)
    // Only a segment's first key may stand within a granule.
    let first = offsetsTable == nil ? granule * size : .apply(.maximum, granule * size, at.firstKey + j0)
    return (first, .smaller(granule * size + (size - 1), at.firstKey + j0 + keys - 1))
  }

  private func queries(_ at: ScoreBlock, _ granule: IntegerExpression) -> (first: IntegerExpression, last: IntegerExpression) {
    let size = IntegerExpression.constant(queryGranule)
    return (at.firstRow + granule * size, at.firstRow + .smaller(granule * size + size, at.rows) - 1)
  }

  /// The twin's answers for each granule of the block.
  private mutating func judgeGranules(
    _ at: ScoreBlock, _ j0: IntegerExpression, _ keys: IntegerExpression, _ start: IntegerExpression, _ count: IntegerExpression,
    _ bounds: [Int: QueryBounds], _ look: Look, in block: inout [Statement]
  ) throws {
    let lowering = self
    let dimensions: [(Name, IntegerExpression)] = [("a", at.rows.ceilingDivided(by: queryGranule)), ("g", count)]
    try builder.map(dimensions, in: &block) { body, index in
      var places = TermPlaces(query: bounds.mapValues { (place: $0.granules, index: index[0]) })
      for (number, summary) in lowering.summaries {
        let leading = lowering.twin.terms[number].batch.map { at.batch[$0] }
        places.key[number] = (summary.granules, leading + [start + index[1]])
      }
      let (firstQuery, lastQuery) = lowering.queries(at, index[0])
      let (firstKey, lastKey) = lowering.keys(at, start + index[1], j0, keys)
      let rectangle = Rectangle(firstQuery: firstQuery, lastQuery: lastQuery, firstKey: firstKey, lastKey: lastKey)
      let verdict = try lowering.ask(rectangle, batch: at.batch, places, in: &body)
      let mustHold = try body.apply(.and, verdict.canHold, try body.apply(.not, verdict.canFail))
      let isPossible = try body.apply(.convert, verdict.canHold, type: .i32)
      body.accumulate(.maximum, try body.apply(.convert, mustHold, type: .i32), Access(look.found, 0))
      body.accumulate(.maximum, isPossible, Access(look.possible, 0))
      body.accumulate(.maximum, try body.apply(.convert, verdict.canFail, type: .i32), Access(look.partial, 0))
      body.store(isPossible, Access(look.granules, index[0], index[1]))
      let number = body.index(index[1], .i32)
      let most = body.index(.constant(lowering.keyBlock), .i32)
      body.accumulate(.minimum, try body.apply(.select, verdict.canHold, number, most), Access(look.span, 0))
      let least = body.index(-1, .i32)
      body.accumulate(.maximum, try body.apply(.select, verdict.canHold, number, least), Access(look.span, 1))
    }
  }

  /// Tries the pairs of granules that may hold a live one, until one does.
  private mutating func searchPairs(
    _ at: ScoreBlock, _ j0: IntegerExpression, _ keys: IntegerExpression, _ start: IntegerExpression, _ count: IntegerExpression,
    _ look: Look, in block: inout [Statement]
  ) throws {
    let (rowStep, keyStep) = (builder.variable("a"), builder.variable("g"))
    let (a, g) = (IntegerExpression.variable(rowStep), IntegerExpression.variable(keyStep))
    let lowering = self
    var pairs: [Statement] = []
    let (firstQuery, lastQuery) = self.queries(at, a)
    let (firstKey, lastKey) = self.keys(at, start + g, j0, keys)
    let (query, key) = (builder.define("i", firstQuery, in: &pairs), builder.define("j", firstKey, in: &pairs))
    try builder.map([("r", lastQuery - query + 1), ("c", lastKey - key + 1)], in: &pairs) { body, index in
      let isLive = lowering.inline(lowering.condition, [], at.batch + [query + index[0], key + index[1]], in: &body)
      body.accumulate(.maximum, try body.apply(.convert, isLive, type: .i32), Access(look.found, 0))
    }
    let isOpen = IntegerExpression.apply(
      .and, .apply(.equal, .load(Access(look.found, 0)), 0), .apply(.notEqual, .load(Access(look.granules, a, g)), 0))
    let ofGranule = Statement.branch(condition: isOpen, then: pairs, otherwise: [])
    let ofRow = Statement.loop(Loop(keyStep, from: 0, to: count, step: 1, body: [ofGranule]))
    block.append(.loop(Loop(rowStep, from: 0, to: at.rows.ceilingDivided(by: queryGranule), step: 1, body: [ofRow])))
  }
}

import HeedIR

extension LoweringRule {
  /// The greatest weights of each row, kept in a short list while the keys go by: a tile is looked through only where it has a weight above
  /// the least of the list.
  static let greatestWeights = LoweringRule { context, node in
    let count = context.graph.attributes(node).required(.count)
    var lowering = try AttentionLowering(&context, node)
    context.addCheck(.range(start: 0, stop: Extent(count), extent: lowering.keys))
    let depth = try lowering.prepareStatistic(&context)
    try lowering.findGreatest(count, depth: depth, context: &context)
    lowering.describeStatistic(&context)
    try context.emit(lowering.builder, cost: context.cost(node))
  }
}

/// The scratch tiles of the lists.
private struct GreatestTiles {
  /// The weights of each row, descending, 0 where there is none yet: [rows, count].
  let weights: Place
  /// Their keys: [rows, count].
  let keys: Place
  /// A list while it is changed.
  let oldWeights: Place
  let oldKeys: Place
  /// The greatest weight of a row's tile, and its key's place in the tile.
  let best: Place
  let bestColumn: Place
  /// Where in the list it goes.
  let position: Place
  /// Not 0 while the tile may have more.
  let hasMore: Place
}

extension AttentionLowering {
  fileprivate mutating func findGreatest(_ count: Int, depth: Int, context: inout LoweringContext) throws {
    let (domain, batch) = batchDomain(Array(0..<batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(queries.dividedRoundingUp(by: rowBlock)))
    var body: [Statement] = []
    let firstRow = builder.define("i0", block * .constant(rowBlock), in: &body)
    let rows = builder.define("rows", .blockSize(queries, block: firstRow, size: rowBlock), in: &body)
    let at = ScoreBlock(
      batch: batch, firstRow: firstRow, rows: rows, rowCount: rows, firstKey: 0, keyCount: IntegerExpression(keys),
      packed: packedKeys(batch), depth: depth,
      valueWidth: 0)
    let tiles = weightTiles(depth: depth, in: &body)
    let element = types.accumulator
    let lists = GreatestTiles(
      weights: builder.tile("greatest", element, [rowBlock, count], in: &body),
      keys: builder.tile("greatest_keys", .i32, [rowBlock, count], in: &body),
      oldWeights: builder.tile("old", element, [count], in: &body), oldKeys: builder.tile("old_keys", .i32, [count], in: &body),
      best: builder.tile("best", element, [1], in: &body), bestColumn: builder.tile("best_column", .i32, [1], in: &body),
      position: builder.tile("position", .i32, [1], in: &body), hasMore: builder.tile("has_more", .i32, [1], in: &body))
    try loadRows(at, tiles, in: &body)
    builder.map([("r", rows), ("k", .constant(count))], in: &body) { body, index in
      body.store(body.constant(0, element), Access(lists.weights, index[0], index[1]))
      body.store(body.index(-1, .i32), Access(lists.keys, index[0], index[1]))
    }
    try visitTiles(at, context: &context, in: &body) { lowering, tile, block in
      try lowering.computeWeights(at, tiles, tile, value: nil, in: &block)
      try lowering.takeGreatest(count, rows, tiles.weights, lists, tile.firstKey, tile.columns, in: &block)
    }
    try fillWithZeros(count, rows, lists, in: &body)
    let (values, keyOutput, logarithms) = (output, indexOutput!, value)
    try builder.map([("r", rows), ("k", .constant(count))], in: &body) { body, index in
      // The weights of a row of NaN are all NaN, and none is greater than another.
      let logarithm = body.load(logarithms.access(batch + [firstRow + index[0]]), element)
      let isNumber = try body.apply(.equal, logarithm, logarithm)
      let weight = body.load(Access(lists.weights, index[0], index[1]), element)
      body.store(
        try body.apply(.select, isNumber, weight, body.constant(.nan, element)),
        values.access(batch + [firstRow + index[0], index[1]]))
      body.store(
        body.load(Access(lists.keys, index[0], index[1]), .i32), keyOutput.access(batch + [firstRow + index[0], index[1]]))
    }
    builder.phase("find", domain + [blocks], body)
  }

  /// Moves the greatest weights of a tile into the lists of their rows, as long as they are above the least there.
  private mutating func takeGreatest(
    _ count: Int, _ rows: IntegerExpression, _ weights: Place, _ lists: GreatestTiles, _ j0: IntegerExpression,
    _ columns: IntegerExpression, in block: inout [Statement]
  ) throws {
    let (element, keyBlock) = (types.accumulator, keyBlock)
    let (rowStep, attempt) = (builder.variable("r"), builder.variable("a"))
    let r = IntegerExpression.variable(rowStep)
    var perRow: [Statement] = []
    builder.map([("u", 1)], in: &perRow) { body, _ in body.store(body.index(1, .i32), Access(lists.hasMore, 0)) }
    var look: [Statement] = []
    builder.map([("u", 1)], in: &look) { body, _ in body.store(body.constant(0, element), Access(lists.best, 0)) }
    builder.map([("c", columns)], in: &look) { body, index in
      body.accumulate(.maximum, body.load(Access(weights, r, index[0]), element), Access(lists.best, 0))
    }
    try builder.map([("u", 1)], in: &look) { body, _ in
      let least = body.load(Access(lists.weights, r, .constant(count - 1)), element)
      let isAbove = try body.apply(.less, least, body.load(Access(lists.best, 0), element))
      body.store(try body.apply(.convert, isAbove, type: .i32), Access(lists.hasMore, 0))
    }
    var take: [Statement] = []
    builder.map([("u", 1)], in: &take) { body, _ in
      body.store(body.index(.constant(keyBlock), .i32), Access(lists.bestColumn, 0))
      body.store(body.index(0, .i32), Access(lists.position, 0))
    }
    try builder.map([("c", columns)], in: &take) { body, index in
      let isBest = try body.apply(
        .equal, body.load(Access(weights, r, index[0]), element), body.load(Access(lists.best, 0), element))
      let place = try body.apply(.select, isBest, body.index(index[0], .i32), body.index(.constant(keyBlock), .i32))
      body.accumulate(.minimum, place, Access(lists.bestColumn, 0))
    }
    // It goes behind the weights that are as great: those have lower keys.
    try builder.map([("k", .constant(count))], in: &take) { body, index in
      let weight = body.load(Access(lists.weights, r, index[0]), element)
      body.store(weight, Access(lists.oldWeights, index[0]))
      body.store(body.load(Access(lists.keys, r, index[0]), .i32), Access(lists.oldKeys, index[0]))
      let isBefore = try body.apply(.lessEqual, body.load(Access(lists.best, 0), element), weight)
      body.accumulate(.add, try body.apply(.convert, isBefore, type: .i32), Access(lists.position, 0))
    }
    try builder.map([("k", .constant(count))], in: &take) { body, index in
      let (k, position) = (body.index(index[0], .i32), body.load(Access(lists.position, 0), .i32))
      let (isBefore, isHere) = (try body.apply(.less, k, position), try body.apply(.equal, k, position))
      let before = IntegerExpression.apply(.maximum, index[0] - 1, 0)
      func chosen(_ old: Place, _ type: ElementType, _ new: BodyValue) throws -> BodyValue {
        let moved = try body.apply(.select, isHere, new, body.load(Access(old, before), type))
        return try body.apply(.select, isBefore, body.load(Access(old, index[0]), type), moved)
      }
      body.store(
        try chosen(lists.oldWeights, element, body.load(Access(lists.best, 0), element)), Access(lists.weights, r, index[0]))
      let key = try body.apply(.add, body.load(Access(lists.bestColumn, 0), .i32), body.index(j0, .i32))
      body.store(try chosen(lists.oldKeys, .i32, key), Access(lists.keys, r, index[0]))
    }
    let taken = IntegerExpression.load(Access(lists.bestColumn, 0))
    builder.map([("u", 1)], in: &take) { body, _ in body.store(body.constant(0, element), Access(weights, r, taken)) }
    look.append(.branch(condition: .apply(.notEqual, .load(Access(lists.hasMore, 0)), 0), then: take, otherwise: []))
    let again: [Statement] = [
      .branch(condition: .apply(.notEqual, .load(Access(lists.hasMore, 0)), 0), then: look, otherwise: [])
    ]
    perRow.append(.loop(Loop(attempt, from: 0, to: .constant(count), step: 1, body: again)))
    block.append(.loop(Loop(rowStep, from: 0, to: rows, step: 1, body: perRow)))
  }

  /// Gives the places of a list that are still empty, whose weights are 0, the lowest keys that are not in it.
  private mutating func fillWithZeros(
    _ count: Int, _ rows: IntegerExpression, _ lists: GreatestTiles, in block: inout [Statement]
  ) throws {
    let (rowStep, keyStep) = (builder.variable("r"), builder.variable("j"))
    let (r, j) = (IntegerExpression.variable(rowStep), IntegerExpression.variable(keyStep))
    var perRow: [Statement] = []
    builder.map([("u", 1)], in: &perRow) { body, _ in body.store(body.index(0, .i32), Access(lists.position, 0)) }
    try builder.map([("k", .constant(count))], in: &perRow) { body, index in
      let isTaken = try body.apply(.lessEqual, body.index(0, .i32), body.load(Access(lists.keys, r, index[0]), .i32))
      body.accumulate(.add, try body.apply(.convert, isTaken, type: .i32), Access(lists.position, 0))
    }
    // Of the first `count` keys at least as many are free as the list has empty places.
    var round: [Statement] = []
    builder.map([("u", 1)], in: &round) { body, _ in body.store(body.index(0, .i32), Access(lists.hasMore, 0)) }
    try builder.map([("k", .constant(count))], in: &round) { body, index in
      let isThere = try body.apply(.equal, body.index(j, .i32), body.load(Access(lists.keys, r, index[0]), .i32))
      body.accumulate(.maximum, try body.apply(.convert, isThere, type: .i32), Access(lists.hasMore, 0))
    }
    let position = IntegerExpression.load(Access(lists.position, 0))
    var put: [Statement] = []
    builder.map([("u", 1)], in: &put) { body, _ in body.store(body.index(j, .i32), Access(lists.keys, r, position)) }
    try builder.map([("u", 1)], in: &put) { body, _ in
      let next = try body.apply(.add, body.load(Access(lists.position, 0), .i32), body.index(1, .i32))
      body.store(next, Access(lists.position, 0))
    }
    let isFree = IntegerExpression.apply(.equal, .load(Access(lists.hasMore, 0)), 0)
    let hasPlace = IntegerExpression.apply(.less, position, .constant(count))
    round.append(.branch(condition: .apply(.and, isFree, hasPlace), then: put, otherwise: []))
    perRow.append(.loop(Loop(keyStep, from: 0, to: .constant(count), step: 1, body: round)))
    block.append(.loop(Loop(rowStep, from: 0, to: rows, step: 1, body: perRow)))
  }
}

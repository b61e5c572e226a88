import HeedAnalysis
import HeedIR
import HeedSchedule

extension LoweringRule {
  /// The greatest weights of each row, kept in a short list while the keys go by: a tile is looked through only where it has a weight above
  /// the least of the list.
  static let greatestWeights = LoweringRule { context, node in
    let (count, value) = (context.graph.attributes(node).required(.count), context.graph.results(node)[0])
    let statistic = WeightStatistic(try BoundAttention(&context, node), context.graph.attributes(node))
    context.addCheck(.range(start: 0, stop: Extent(count), extent: statistic.shape.keys))
    let summaries = try statistic.prepare([.queryMajor], of: value, &context)
    statistic.kernel.describeKeyRange(of: value, &context)
    try GreatestWeights(statistic: statistic, count: count).emit(summaries[0])
    statistic.describe(value, &context)
    try context.emit(statistic.builder, cost: context.cost(node))
  }
}

/// The greatest weights of each row and their keys.
struct GreatestWeights {
  let statistic: WeightStatistic
  /// How many of each row.
  let count: Int

  private var kernel: ScoreKernel { statistic.kernel }
  private var builder: KernelBuilder { statistic.builder }
  private var element: ElementType { statistic.types.accumulator }
  private var places: IntegerExpression { .constant(count) }

  /// The lists of a block of rows.
  private struct Lists {
    /// The weights of each row, descending, 0 where there is none yet: [rows, count].
    let weights: Place
    /// Their keys, -1 where there is none yet: [rows, count].
    let keys: Place
    /// A list while it is changed.
    let oldWeights: Place
    let oldKeys: Place
    /// The greatest weight of a row's tile, and its key's place in the tile.
    let best: Scalar
    let bestColumn: Scalar
    /// Where in the list it goes.
    let position: Scalar
    /// Not 0 while the tile may have more.
    let hasMore: Scalar
  }

  private func makeLists() -> Lists {
    let rows = kernel.schedule.tile.rows
    return Lists(
      weights: builder.tile("greatest", element, [rows, count]), keys: builder.tile("greatest_keys", .i32, [rows, count]),
      oldWeights: builder.tile("old", element, [count]), oldKeys: builder.tile("old_keys", .i32, [count]),
      best: builder.scalar("best", element), bestColumn: builder.scalar("best_column", .i32),
      position: builder.scalar("position", .i32), hasMore: builder.scalar("has_more", .i32))
  }

  /// The phase that finds them.
  func emit(_ summaries: TermSummaries) throws {
    let (domain, batch) = kernel.batchDomain(Array(0..<statistic.shape.batchRank))
    let (shape, rowBlock) = (statistic.shape, kernel.schedule.tile.rows)
    let (blocks, block) = builder.dimension("t", IntegerExpression(shape.queries.dividedRoundingUp(by: rowBlock)))
    try builder.phase("find", domain + [blocks]) {
      let firstRow = builder.define("i0", block * .constant(rowBlock))
      let rows = builder.define("rows", .blockSize(shape.queries, block: firstRow, size: rowBlock))
      let at = PairBlock(
        batch: batch, queries: Span(first: firstRow, count: rows), keys: Span(first: 0, count: IntegerExpression(shape.keys)),
        packed: statistic.packedKeys(batch))
      let (tiles, lists) = (statistic.makeTiles(), makeLists())
      let seesDead = try statistic.loadRows(at, tiles)
      builder.map([("r", rows), ("k", places)]) { body, index in
        body.store(body.constant(0, element), Access(lists.weights, index[0], index[1]))
        body.store(body.index(-1, .i32), Access(lists.keys, index[0], index[1]))
      }
      try TraversalEmitter(kernel, .queryMajor, at, summaries, attendsAll: seesDead) { tile in
        let width = IntegerExpression.constant(kernel.schedule.panelWidth)
        try statistic.computeWeights(
          at, tiles, KeyTile(firstKey: tile.first, firstPanel: tile.first / width, columns: tile.count, isOpen: tile.isOpen),
          seesDead: seesDead, value: nil)
        try takeGreatest(rows, tiles.weights, lists, tile)
      }.emit()
      try fillWithZeros(rows, lists)
      try store(at, lists)
    }
  }

  private func store(_ at: PairBlock, _ lists: Lists) throws {
    builder.map([("r", at.queries.count), ("k", places)]) { body, index in
      let row = at.batch + [at.queries.first + index[0]]
      // The weights of a row of NaN are all NaN, and none is greater than another.
      let logarithm = body.load(statistic.logarithms.access(row), element)
      let isNumber = body.apply(.equal, logarithm, logarithm)
      let weight = body.load(Access(lists.weights, index[0], index[1]), element)
      body.store(
        body.apply(.select, isNumber, weight, body.constant(.nan, element)), statistic.output.access(row + [index[1]]))
      body.store(
        body.load(Access(lists.keys, index[0], index[1]), .i32), statistic.indexOutput!.access(row + [index[1]]))
    }
  }

  /// Moves the greatest weights of a tile into the lists of their rows, as long as they are above the least there.
  private func takeGreatest(
    _ rows: IntegerExpression, _ weights: Place, _ lists: Lists, _ tile: VisitedTile<IntegerExpression>
  ) throws {
    try builder.loop("r", to: rows) { r in
      builder.set(lists.hasMore, 1)
      try builder.loop("a", to: places) { _ in
        try builder.branch(.notEqual(lists.hasMore.value, 0)) {
          builder.compute { $0.store($0.constant(0, element), lists.best.access) }
          builder.map([("c", tile.count)]) { body, index in
            body.accumulate(.maximum, body.load(Access(weights, r, index[0]), element), lists.best.access)
          }
          builder.compute { body in
            let least = body.load(Access(lists.weights, r, .constant(count - 1)), element)
            let isAbove = body.apply(.less, least, body.load(lists.best.access, element))
            body.store(body.apply(.convert, isAbove, type: .i32), lists.hasMore.access)
          }
          try builder.branch(.notEqual(lists.hasMore.value, 0)) { try takeBest(r, weights, lists, tile) }
        }
      }
    }
  }

  /// Moves the greatest weight of a row's tile into the list of the row.
  private func takeBest(
    _ r: IntegerExpression, _ weights: Place, _ lists: Lists, _ tile: VisitedTile<IntegerExpression>
  ) throws {
    let none = IntegerExpression.constant(kernel.schedule.tile.columns)
    builder.set(lists.bestColumn, none)
    builder.set(lists.position, 0)
    builder.map([("c", tile.count)]) { body, index in
      let isBest = body.apply(
        .equal, body.load(Access(weights, r, index[0]), element), body.load(lists.best.access, element))
      let place = body.apply(.select, isBest, body.index(index[0], .i32), body.index(none, .i32))
      body.accumulate(.minimum, place, lists.bestColumn.access)
    }
    // It goes behind the weights that are as great: those have lower keys.
    builder.map([("k", places)]) { body, index in
      let weight = body.load(Access(lists.weights, r, index[0]), element)
      body.store(weight, Access(lists.oldWeights, index[0]))
      body.store(body.load(Access(lists.keys, r, index[0]), .i32), Access(lists.oldKeys, index[0]))
      let isBefore = body.apply(.lessEqual, body.load(lists.best.access, element), weight)
      body.accumulate(.add, body.apply(.convert, isBefore, type: .i32), lists.position.access)
    }
    try builder.map([("k", places)]) { body, index in
      let (k, position) = (body.index(index[0], .i32), body.load(lists.position.access, .i32))
      let (isBefore, isHere) = (body.apply(.less, k, position), body.apply(.equal, k, position))
      let before = IntegerExpression.apply(.maximum, index[0] - 1, 0)
      func chosen(_ old: Place, _ type: ElementType, _ new: BodyValue) throws -> BodyValue {
        let moved = body.apply(.select, isHere, new, body.load(Access(old, before), type))
        return body.apply(.select, isBefore, body.load(Access(old, index[0]), type), moved)
      }
      body.store(
        try chosen(lists.oldWeights, element, body.load(lists.best.access, element)), Access(lists.weights, r, index[0]))
      let key = body.apply(.add, body.load(lists.bestColumn.access, .i32), body.index(tile.first, .i32))
      body.store(try chosen(lists.oldKeys, .i32, key), Access(lists.keys, r, index[0]))
    }
    builder.compute { $0.store($0.constant(0, element), Access(weights, r, lists.bestColumn.value)) }
  }

  /// Gives the places of a list that are still empty, whose weights are 0, the lowest keys that are not in it.
  private func fillWithZeros(_ rows: IntegerExpression, _ lists: Lists) throws {
    builder.loop("r", to: rows) { r in
      builder.set(lists.position, 0)
      builder.map([("k", places)]) { body, index in
        let isTaken = body.apply(.lessEqual, body.index(0, .i32), body.load(Access(lists.keys, r, index[0]), .i32))
        body.accumulate(.add, body.apply(.convert, isTaken, type: .i32), lists.position.access)
      }
      // Of the first `count` keys at least as many are free as the list has empty places.
      builder.loop("j", to: places) { j in
        builder.set(lists.hasMore, 0)
        builder.map([("k", places)]) { body, index in
          let isThere = body.apply(.equal, body.index(j, .i32), body.load(Access(lists.keys, r, index[0]), .i32))
          body.accumulate(.maximum, body.apply(.convert, isThere, type: .i32), lists.hasMore.access)
        }
        let position = lists.position.value
        builder.branch(.apply(.and, .equal(lists.hasMore.value, 0), .apply(.less, position, places))) {
          builder.compute { $0.store($0.index(j, .i32), Access(lists.keys, r, position)) }
          builder.set(lists.position, position + 1)
        }
      }
    }
  }
}

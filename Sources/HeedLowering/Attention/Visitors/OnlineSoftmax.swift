import HeedIR
import HeedSchedule

/// A block of query rows against its keys, tile by tile, with running maxima and sums.
struct OnlineSoftmax: RowBlockVisitor {
  let sum: WeightedSum
  let summaries: TermSummaries

  var readsKeys: Bool { true }
  private var kernel: ScoreKernel { sum.kernel }
  private var builder: KernelBuilder { sum.builder }
  private var types: AttentionTypes { sum.types }
  private var width: IntegerExpression { .constant(sum.shape.valueWidth) }

  /// The scratch memory of a block of query rows.
  private struct Tiles {
    /// The rows' queries, scaled: [rows, depth].
    let query: Place
    /// The scores of a tile: [rows, keys].
    let scores: Place
    /// The weights of a tile, in place of the scores where they have one type.
    let weights: Place
    /// The weighted sum of values so far: [rows, value width].
    let accumulator: Place
    /// The greatest score of each row so far.
    let maximum: Place
    /// The sums of each row so far.
    let sums: RowSums
    /// The greatest score of each row in the tile, then the shift of the row's scores.
    let tileMaximum: Place
    /// What a row's sums are multiplied by when its maximum moves.
    let rescale: Place
    /// Not 0 where some row's maximum moved.
    let moved: Scalar
  }

  private func makeTiles() -> Tiles {
    let (accumulator, rows, columns) = (types.accumulator, sum.schedule.tile.rows, sum.schedule.tile.columns)
    let query = kernel.queryTile(rows: rows)
    let scores = builder.tile("scores", accumulator, [rows, columns])
    let weights = types.isPaired ? builder.tile("weights", types.factor, [rows, columns]) : scores
    return Tiles(
      query: query, scores: scores, weights: weights,
      accumulator: builder.tile("accumulator", accumulator, [rows, max(sum.shape.valueWidth, 1)]),
      maximum: builder.tile("maximum", accumulator, [rows]),
      sums: RowSums(
        exponentials: builder.tile("sum", accumulator, [rows]),
        weights: sum.keepsWeightSum ? builder.tile("weight_sum", accumulator, [rows]) : nil),
      tileMaximum: builder.tile("tile_maximum", accumulator, [rows]), rescale: builder.tile("rescale", accumulator, [rows]),
      moved: builder.scalar("moved", .i32))
  }

  func emit(_ at: PairBlock, _ visit: TileVisit) throws {
    let tiles = makeTiles()
    try kernel.loadQueries(at, tiles.query)
    try sum.inRounds(rows: sum.schedule.tile.rows, at.queries.count, findsEmptyRows: true) { rounds in
      begin(at, tiles)
      try visit(rounds?.seesDead?.isSet) { tile in try attend(to: tile, of: at, tiles, rounds) }
      try finish(at, tiles, rounds)
    }
  }

  /// Adds a tile to the sums.
  private func attend(to tile: KeyTile, of at: PairBlock, _ tiles: Tiles, _ rounds: Rounds?) throws {
    let keys = TileKeys(first: tile.firstKey, count: tile.columns, isOpen: tile.isOpen)
    kernel.multiplyByKeys(at, tiles.query, into: tiles.scores, tile)
    if sum.weighsByScore {
      try addLivePairs(at, tiles, tile, rounds)
      try sum.weighByScore(at, tiles.scores, into: tiles.weights, sum: tiles.sums.weights, keys)
    } else {
      try kernel.applyRegions(
        at, tiles.scores, maximum: tiles.tileMaximum, tile.firstKey, tile.columns, isOpen: tile.isOpen,
        seeing: rounds?.rowsWithoutKeys)
      try moveMaximum(at, tiles)
      try addLivePairs(at, tiles, tile, rounds)
      try sum.weigh(at, tiles.scores, shift: tiles.tileMaximum, into: tiles.weights, tiles.sums, keys)
    }
    multiplyByValues(at, tiles, tile, rounds)
  }

  /// Sums at 0, maxima at -inf.
  private func begin(_ at: PairBlock, _ tiles: Tiles) {
    builder.map([("r", at.queries.count), ("e", width)]) { body, index in
      body.store(body.constant(0, types.accumulator), Access(tiles.accumulator, index[0], index[1]))
    }
    let sums = sum.weighsByScore ? tiles.sums.weights.map { [$0] } ?? [] : tiles.sums.all
    guard !sums.isEmpty else { return }
    builder.map([("r", at.queries.count)]) { body, index in
      if !sum.weighsByScore { body.store(body.constant(-.infinity, types.accumulator), Access(tiles.maximum, index[0])) }
      for sum in sums { body.store(body.constant(0, types.accumulator), Access(sum, index[0])) }
    }
  }

  /// The new maxima, and the sums so far rescaled to them.
  private func moveMaximum(_ at: PairBlock, _ tiles: Tiles) throws {
    let element = types.accumulator
    builder.set(tiles.moved, 0)
    try builder.map([("r", at.queries.count)]) { body, index in
      let old = body.load(Access(tiles.maximum, index[0]), element)
      let new = body.apply(.maximum, old, body.load(Access(tiles.tileMaximum, index[0]), element))
      let shift = try kernel.shift(by: new, in: &body)
      let factor = try kernel.power(body.apply(.subtract, old, shift), in: &body)
      body.store(new, Access(tiles.maximum, index[0]))
      body.store(shift, Access(tiles.tileMaximum, index[0]))
      body.store(factor, Access(tiles.rescale, index[0]))
      for sum in tiles.sums.all {
        body.store(body.apply(.multiply, body.load(Access(sum, index[0]), element), factor), Access(sum, index[0]))
      }
      let hasMoved = body.apply(.convert, body.apply(.notEqual, old, new), type: .i32)
      body.accumulate(.maximum, hasMoved, tiles.moved.access)
    }
    builder.branch(.notEqual(tiles.moved.value, 0)) {
      builder.map([("r", at.queries.count), ("e", width)]) { body, index in
        let place = Access(tiles.accumulator, index[0], index[1])
        let factor = body.load(Access(tiles.rescale, index[0]), element)
        body.store(body.apply(.multiply, body.load(place, element), factor), place)
      }
    }
  }

  /// The component of the value of a key of a tile; `unit` and `rest` are the key's indices where values are packed.
  private func value(
    _ at: PairBlock, _ tile: KeyTile, _ key: IntegerExpression, unit: IntegerExpression, rest: [IntegerExpression],
    _ component: IntegerExpression
  ) -> Access {
    guard let packed = at.packed, let values = packed.values else {
      return sum.value.access(at.batch + [at.keys.first + tile.firstKey + key, component])
    }
    let width = sum.schedule.panelWidth
    let first = tile.firstPanel * .constant(types.isPaired ? width / 2 : width)
    return sum.packing.access(values, packed, [first + unit, component] + rest)
  }

  private func addLivePairs(_ at: PairBlock, _ tiles: Tiles, _ tile: KeyTile, _ rounds: Rounds?) throws {
    try sum.whereDeadAreLeftOut(rounds, isOpen: tile.isOpen) {
      try sum.addLivePairs(
        at, tiles.scores, shift: tiles.tileMaximum, into: tiles.accumulator, firstKey: tile.firstKey, count: tile.columns
      ) { key, component in
        value(at, tile, key, unit: types.isPaired ? key / 2 : key, rest: types.isPaired ? [key % 2] : [], component)
      }
    }
  }

  private func multiplyByValues(_ at: PairBlock, _ tiles: Tiles, _ tile: KeyTile, _ rounds: Rounds?) {
    sum.whereAllCount(rounds, isOpen: tile.isOpen) {
      let (rows, r) = builder.dimension("r", at.queries.count)
      let (valueColumns, e) = builder.dimension("e", width)
      let j = kernel.contracted("j", tile.columns)
      var store = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", types.accumulator)])
      store.store(BodyValue(0), Access(tiles.accumulator, r, e))
      builder.contract(
        Contraction(
          rows: rows, columns: [valueColumns], over: j.dimensions, left: Access(tiles.weights, r, j.index),
          right: value(at, tile, j.index, unit: j.unit, rest: j.rest, e), initial: Access(tiles.accumulator, r, e),
          accumulator: types.accumulator, epilogue: store.finish()))
    }
  }

  /// The sums divided by the weights' sums; 0 where nothing was live.
  private func finish(_ at: PairBlock, _ tiles: Tiles, _ rounds: Rounds?) throws {
    let element = types.accumulator
    if !sum.weighsByScore {
      try builder.map([("r", at.queries.count)]) { body, index in
        let maximum = body.load(Access(tiles.maximum, index[0]), element)
        let total = body.load(Access(tiles.sums.exponentials, index[0]), element)
        let weightSum = tiles.sums.weights.map { body.load(Access($0, index[0]), element) }
        let row = at.batch + [at.queries.first + index[0]]
        let factor = try sum.rows.finish(maximum, total, weightSum: weightSum, at: row, in: &body)
        body.store(factor, Access(tiles.sums.exponentials, index[0]))
        rounds?.look(atGreatest: maximum, ofRow: index[0], in: &body)
      }
    } else if let weights = tiles.sums.weights, let output = sum.rows.weightSum {
      builder.map([("r", at.queries.count)]) { body, index in
        body.store(body.load(Access(weights, index[0]), element), output.access(at.batch + [at.queries.first + index[0]]))
      }
    }
    rounds?.look(
      at: tiles.accumulator, sum.weighsByScore ? nil : tiles.sums.exponentials, of: element, rows: at.queries.count, width: width,
      builder)
    builder.map([("r", at.queries.count), ("e", width)]) { body, index in
      let total = body.load(Access(tiles.accumulator, index[0], index[1]), element)
      let factor = sum.weighsByScore ? nil : body.load(Access(tiles.sums.exponentials, index[0]), element)
      let result = factor.map { body.apply(.multiply, total, $0) } ?? total
      let place = at.batch + [at.queries.first + index[0], index[1]]
      body.store(result, sum.output.access(place))
      if let unrounded = sum.rows.unrounded { body.store(result, unrounded.access(place)) }
    }
  }
}

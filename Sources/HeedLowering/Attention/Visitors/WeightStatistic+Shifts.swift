import HeedIR
import HeedSchedule

/// What makes weights of the scores of each row: 2^((score - shift) * log2(e) + exponent). All are `[batch..., M]`.
struct RowShifts {
  /// The logarithm of the row's sum, or the greatest score where that logarithm is coarse; 0 for a row without a live pair.
  let shift: Place
  /// 0, or less the logarithm of the sum relative to the greatest score.
  let exponent: Place
  /// Not 0 for rows whose dead pairs have their scores; nil where none have.
  let isEmpty: Place?

  /// Workspaces of a kernel.
  init(_ kernel: ScoreKernel) {
    let rows = Shape(kernel.shape.batch + [kernel.shape.queries])
    func workspace(_ name: Name, _ element: ElementType) -> Place { kernel.builder.workspace(name, TensorType(element, rows)) }
    (shift, exponent) = (workspace("shifts", kernel.types.accumulator), workspace("exponents", kernel.types.accumulator))
    isEmpty = kernel.scoreOfDead == nil ? nil : workspace("are_empty", .i32)
  }
}

/// Rows whose logarithm is too coarse to make weights: their maximum and their sum are taken again, from the same scores as the weights.
extension WeightStatistic {
  /// The scratch tiles of a block of rows.
  private struct SumTiles {
    /// [rows, depth].
    let query: Place
    /// [rows, keys].
    let scores: Place
    /// [rows] each.
    let maximum: Place
    let tileMaximum: Place
    let sum: Place
  }

  private var element: ElementType { types.accumulator }

  /// The phase that finds the shifts of all rows. It goes over the keys where a block has a row with a coarse logarithm.
  func findShifts() throws {
    let (domain, batch) = kernel.batchDomain(Array(0..<shape.batchRank))
    let size = kernel.schedule.tile.rows
    let (blocks, block) = builder.dimension("t", IntegerExpression(shape.queries.dividedRoundingUp(by: size)))
    try builder.phase("shift", domain + [blocks]) {
      let first = builder.define("i0", block * .constant(size))
      let count = builder.define("rows", .blockSize(shape.queries, block: first, size: size))
      let at = PairBlock(
        batch: batch, queries: Span(first: first, count: count), keys: Span(first: 0, count: IntegerExpression(shape.keys)),
        packed: packedKeys(batch))
      let hasCoarse = builder.scalar("has_coarse", .i32, initial: .expression(0))
      try builder.map([("r", count)]) { body, index in
        let row = batch + [first + index[0]]
        let logarithm = body.load(logarithms.access(row), element)
        body.store(try kernel.shift(by: logarithm, in: &body), Self.access(shifts.shift, row))
        body.store(body.constant(0, element), Self.access(shifts.exponent, row))
        if let isEmpty = shifts.isEmpty { body.store(body.index(0, .i32), Self.access(isEmpty, row)) }
        body.accumulate(.maximum, body.apply(.convert, isCoarse(logarithm, in: &body), type: .i32), hasCoarse.access)
      }
      try builder.branch(hasCoarse.isSet) { try builder.cold { try takeCoarseRows(at) } }
    }
  }

  static func access(_ place: Place, _ row: [IntegerExpression]) -> Access { Access(place, row.map { Access.Index($0) }) }

  private func isCoarse(_ logarithm: BodyValue, in body: inout BodyBuilder) -> BodyValue {
    let size = body.apply(.absolute, logarithm)
    let isLarge = body.apply(.lessEqual, body.constant(Op.coarseLogarithm, element), size)
    return body.apply(.and, isLarge, body.apply(.less, size, body.constant(.infinity, element)))
  }

  /// The greatest score and the sum of each row of a block, kept for those whose logarithm is coarse.
  private func takeCoarseRows(_ at: PairBlock) throws {
    let (rows, columns) = (kernel.schedule.tile.rows, kernel.schedule.tile.columns)
    func tile(_ name: Name) -> Place { builder.tile(name, element, [rows]) }
    let tiles = SumTiles(
      query: kernel.queryTile(rows: rows), scores: builder.tile("scores", element, [rows, columns]), maximum: tile("maximum"),
      tileMaximum: tile("tile_maximum"), sum: tile("sum"))
    try kernel.loadQueries(at, tiles.query)
    let isEmpty = try sumUp(at, tiles)
    try builder.map([("r", at.queries.count)]) { body, index in
      let row = at.batch + [at.queries.first + index[0]]
      var greatest = body.load(Access(tiles.maximum, index[0]), element)
      var total = body.load(Access(tiles.sum, index[0]), element)
      if let sink {
        let score = sink.read(row, as: element, in: &body)
        let most = body.apply(.maximum, greatest, score)
        let shift = try kernel.shift(by: most, in: &body)
        let weight = try kernel.power(body.apply(.subtract, score, shift), in: &body)
        total = body.apply(.fusedMultiplyAdd, total, try kernel.power(body.apply(.subtract, greatest, shift), in: &body), weight)
        greatest = most
      }
      let none = body.constant(0, element)
      let exponent = body.apply(.select, body.apply(.equal, total, none), none, body.apply(.negate, body.apply(.log2, total)))
      let isCoarse = isCoarse(body.load(logarithms.access(row), element), in: &body)
      func keep(_ new: BodyValue, _ place: Place, _ type: ElementType) {
        let access = Self.access(place, row)
        body.store(body.apply(.select, isCoarse, new, body.load(access, type)), access)
      }
      keep(try kernel.shift(by: greatest, in: &body), shifts.shift, element)
      keep(exponent, shifts.exponent, element)
      if let isEmpty, let target = shifts.isEmpty { keep(body.load(Access(isEmpty, index[0]), .i32), target, .i32) }
    }
  }

  /// Takes the greatest score and the sum of each row: of its live pairs, or of dead ones where no pair lives and those have scores.
  /// - Returns: not 0 for the latter rows: [rows]; nil where there are none.
  private func sumUp(_ at: PairBlock, _ tiles: SumTiles) throws -> Place? {
    guard kernel.scoreOfDead != nil else {
      try sumUp(at, tiles, seeing: nil)
      return nil
    }
    let (isDue, seesDead) = (
      builder.scalar("is_due", .i32, initial: .expression(1)), builder.scalar("sees_dead", .i32, initial: .expression(0))
    )
    let isEmpty = builder.tile("is_empty", .i32, [kernel.schedule.tile.rows])
    builder.map([("r", at.queries.count)]) { body, index in body.store(body.index(0, .i32), Access(isEmpty, index[0])) }
    try builder.loop("round", to: 2) { round in
      try builder.branch(isDue.isSet) {
        try sumUp(at, tiles, seeing: RowsWithoutKeys(areSeen: seesDead.isSet, isEmpty: isEmpty))
        builder.set(isDue, 0)
        builder.map([("r", at.queries.count)]) { body, index in
          let greatest = body.load(Access(tiles.maximum, index[0]), element)
          let isDead = body.apply(.convert, body.apply(.equal, greatest, body.constant(-.infinity, element)), type: .i32)
          body.accumulate(.maximum, isDead, Access(isEmpty, index[0]))
          body.accumulate(.maximum, isDead, isDue.access)
        }
        builder.set(seesDead, 1)
      }
    }
    return isEmpty
  }

  private func sumUp(_ at: PairBlock, _ tiles: SumTiles, seeing rows: RowsWithoutKeys?) throws {
    builder.map([("r", at.queries.count)]) { body, index in
      body.store(body.constant(-.infinity, element), Access(tiles.maximum, index[0]))
      body.store(body.constant(0, element), Access(tiles.sum, index[0]))
    }
    let width = kernel.schedule.tile.columns
    try builder.loop("j0", to: at.keys.count, step: width) { first in
      let columns = builder.define("columns", .smaller(at.keys.count - first, .constant(width)))
      let isOpen: IntegerExpression = kernel.mask.isAlwaysTrue ? 0 : 1
      let panel = first / .constant(kernel.schedule.panelWidth)
      kernel.multiplyByKeys(
        at, tiles.query, into: tiles.scores, KeyTile(firstKey: first, firstPanel: panel, columns: columns, isOpen: isOpen))
      try kernel.applyRegions(at, tiles.scores, maximum: tiles.tileMaximum, first, columns, isOpen: isOpen, seeing: rows)
      try builder.map([("r", at.queries.count)]) { body, index in
        let old = body.load(Access(tiles.maximum, index[0]), element)
        let new = body.apply(.maximum, old, body.load(Access(tiles.tileMaximum, index[0]), element))
        let shift = try kernel.shift(by: new, in: &body)
        let factor = try kernel.power(body.apply(.subtract, old, shift), in: &body)
        let sum = Access(tiles.sum, index[0])
        body.store(new, Access(tiles.maximum, index[0]))
        body.store(shift, Access(tiles.tileMaximum, index[0]))
        body.store(body.apply(.multiply, body.load(sum, element), factor), sum)
      }
      try builder.map([("r", at.queries.count), ("c", columns)]) { body, index in
        let score = body.load(Access(tiles.scores, index[0], index[1]), element)
        let shift = body.load(Access(tiles.tileMaximum, index[0]), element)
        body.accumulate(.add, try kernel.power(body.apply(.subtract, score, shift), in: &body), Access(tiles.sum, index[0]))
      }
    }
  }
}

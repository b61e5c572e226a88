import HeedAnalysis
import HeedIR
import HeedSchedule

/// Scores of a tile: queries by keys, then the op's regions.
extension ScoreKernel {
  /// A tile for the queries of `rows` rows.
  func queryTile(rows: Int) -> Place { builder.tile("query", types.factor, [rows, max(types.padded(shape.depth), 1)]) }

  /// The queries in scratch memory, scaled where that is folded into them.
  func loadQueries(_ at: PairBlock, _ tile: Place) throws {
    let scale = scaling.queryScale
    // The component that fills the last pair of an odd depth is 0.
    let padded = types.padded(shape.depth)
    let guarded: Set<Int> = padded == shape.depth ? [] : [shape.batchRank + 1]
    builder.map(rowDimensions(at) + [("d", .constant(padded))]) { body, index in
      let row = row(index.dropLast(), at)
      let access = query.access(row.batch + [row.query, index.last!], guarded: guarded)
      let x = body.load(access, types.factor, otherwise: guarded.isEmpty ? nil : Literal(0.0))
      let scaled = scale == 1 ? x : body.apply(.multiply, x, body.constant(scale, types.factor))
      body.store(scaled, Access(tile, row.number, index.last!))
    }
  }

  /// The dimensions of a contraction over `extent`, in pairs where products are paired, and what indexes an operand of them: the
  /// indices of a packed one (before and after its other index) and the plain index.
  func contracted(_ name: Name, _ extent: IntegerExpression) -> (
    dimensions: [Dimension], unit: IntegerExpression, rest: [IntegerExpression], index: IntegerExpression
  ) {
    guard types.isPaired else {
      let (dimension, index) = builder.dimension(name, extent)
      return ([dimension], index, [], index)
    }
    let (pairs, pair) = builder.dimension(name, extent.ceilingDivided(by: 2))
    let (members, member) = builder.dimension("u", 2)
    return ([pairs, members], pair, [member], pair * 2 + member)
  }

  /// The products of the queries and the packed keys of a tile.
  func multiplyByKeys(_ at: PairBlock, _ query: Place, into scores: Place, _ tile: KeyTile) {
    let packed = at.packed!
    contractPanels(tile.columns) { columns in
      let (rows, r) = builder.dimension("r", at.queries.count)
      let d = contracted("d", .constant(shape.depth))
      var store = BodyBuilder(parameters: [ScalarFunction.Parameter("score", types.accumulator)])
      store.store(BodyValue(0), Access(scores, r, columns.key))
      let panel = packed.batch + [tile.firstPanel + columns.panel, d.unit, columns.inPanel] + d.rest
      return Contraction(
        rows: rows, columns: columns.dimensions, over: d.dimensions, left: Access(query, r, d.index),
        right: Access(packed.panels, panel.map { Access.Index($0) }), accumulator: types.accumulator, epilogue: store.finish())
    }
  }

  /// Statements in a form that computes the mask and one that does not; where only the call knows whether a pair may be dead, both,
  /// behind the condition `isOpen`.
  func whereMaskDecides(_ isOpen: IntegerExpression, _ build: (_ isOpen: Bool) throws -> Void) rethrows {
    try builder.branch(isOpen) {
      try build(true)
    } otherwise: {
      try build(false)
    }
  }

  /// The score and where regions on a tile of scores, and the maximum of each row. The where region runs only where a pair may be dead.
  /// - Parameter seeing: the rows whose dead pairs have scores; nil where none have.
  func applyRegions(
    _ at: PairBlock, _ scores: Place, maximum: Place, _ firstKey: IntegerExpression, _ columns: IntegerExpression,
    isOpen: IntegerExpression, seeing rows: RowsWithoutKeys? = nil
  ) throws {
    let element = types.accumulator
    func apply(isOpen: Bool, seeing rows: RowsWithoutKeys?) throws {
      try builder.map(rowDimensions(at) + [("c", columns)]) { body, index in
        let row = row(index.dropLast(), at)
        let place = Access(scores, row.number, index.last!)
        let raw = body.load(place, element)
        let indices = row.batch + [row.query, at.keys.first + firstKey + index.last!]
        var result = raw
        if scaling == .region { result = inline(score, [raw], indices, in: &body) }
        if isOpen {
          var dead = body.constant(-.infinity, element)
          if let rows {
            let isEmpty = rows.isEmpty.map { body.load(Access($0, row.number), .i32) } ?? body.index(1, .i32)
            let isSeen = body.apply(.notEqual, isEmpty, body.index(0, .i32))
            dead = try body.apply(.select, isSeen, deadScore(raw, indices, in: &body), dead)
          }
          result = body.apply(.select, inline(mask.condition, [], indices, in: &body), result, dead)
        }
        if result != raw { body.store(result, place) }
        body.accumulate(.maximum, result, Access(maximum, row.number))
      }
    }
    builder.map([("r", at.rowCount)]) { body, index in
      body.store(body.constant(-.infinity, element), Access(maximum, index[0]))
    }
    try whereMaskDecides(isOpen) { isOpen in
      guard isOpen, let rows else { return try apply(isOpen: isOpen, seeing: nil) }
      try builder.branch(rows.areSeen) {
        try apply(isOpen: true, seeing: rows)
      } otherwise: {
        try apply(isOpen: true, seeing: nil)
      }
    }
  }

  /// The score of a dead pair from its product, in the scale of the others.
  func deadScore(_ raw: BodyValue, _ indices: [IntegerExpression], in body: inout BodyBuilder) throws -> BodyValue {
    let element = types.accumulator
    func times(_ scale: Double, _ value: BodyValue) -> BodyValue {
      scale == 1 ? value : body.apply(.multiply, value, body.constant(scale, element))
    }
    let product = times(1 / scaling.queryScale, raw)
    return times(ScoreScaling.region.exponentScale / scaling.exponentScale, inline(scoreOfDead!, [product], indices, in: &body))
  }

  /// `value` where the pair at `indices` lives, else `dead`.
  func masked(_ value: BodyValue, _ indices: [IntegerExpression], dead: Double, in body: inout BodyBuilder) throws -> BodyValue {
    let isLive = inline(mask.condition, [], indices, in: &body)
    return body.apply(.select, isLive, value, body.constant(dead, types.accumulator))
  }

  /// e to the difference of two scores.
  func power(_ difference: BodyValue, in body: inout BodyBuilder) throws -> BodyValue {
    let scale = scaling.exponentScale
    let exponent = scale == 1 ? difference : body.apply(.multiply, difference, body.constant(scale, types.accumulator))
    return body.apply(.exp2, exponent)
  }

  /// The greatest score of a row as what its scores are shifted by: 0 where nothing lived, since -inf - -inf is NaN.
  func shift(by maximum: BodyValue, in body: inout BodyBuilder) throws -> BodyValue {
    let isDead = body.apply(.equal, maximum, body.constant(-.infinity, types.accumulator))
    return body.apply(.select, isDead, body.constant(0, types.accumulator), maximum)
  }
}

/// The rows of a block that have no live pair, whose dead pairs have scores.
struct RowsWithoutKeys {
  /// A condition: whether their pairs are being attended to.
  let areSeen: IntegerExpression
  /// Not 0 for those rows: [rows]; nil where all are.
  let isEmpty: Place?
}

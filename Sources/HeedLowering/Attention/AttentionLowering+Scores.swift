import HeedIR

/// A block of rows and the keys that it meets.
struct ScoreBlock {
  /// The indices of the batch dimensions; those of `groups` stand for nothing.
  var batch: [IntegerExpression]
  /// The batch dimensions that the rows run over, before the queries: heads that share their keys.
  var groups: [Int] = []
  var firstRow: IntegerExpression
  /// The number of queries.
  var rows: IntegerExpression
  /// The number of rows: of queries of all heads of the group.
  var rowCount: IntegerExpression
  var firstKey: IntegerExpression
  var keyCount: IntegerExpression
  var firstPanel: IntegerExpression = 0
  /// Where the keys are packed; nil where they are read as they are stored.
  var packed: PackedKeys?
  /// Where blocks of rows pack the keys that they see.
  var band: AttentionLowering.Band?
  /// True where every block of keys is full.
  var isEvenlyBlocked = false
  /// The components of queries and keys, and of values.
  var depth: Int
  var valueWidth: Int
}

/// What every schedule does with a block of scores.
extension AttentionLowering {
  func constantWidths(_ context: LoweringContext) throws -> (depth: Int, value: Int) {
    guard let depth = depth.constant, let value = valueWidth.constant else {
      throw context.unsupported(node, "the head widths must be constants")
    }
    return (depth, value)
  }

  /// The dimensions of a map over the rows of a block.
  func rowDimensions(_ at: ScoreBlock) -> [(Name, IntegerExpression)] {
    at.groups.map { (Name("g\($0)"), IntegerExpression(batch[$0])) } + [("r", at.rows)]
  }

  /// The row at these indices of `rowDimensions`: its place in tiles, its batch indices and its query.
  func row(_ indices: ArraySlice<IntegerExpression>, _ at: ScoreBlock) -> (
    number: IntegerExpression, batch: [IntegerExpression], query: IntegerExpression
  ) {
    var (number, batch): (IntegerExpression, [IntegerExpression]) = (0, at.batch)
    for (position, index) in zip(at.groups, indices) {
      batch[position] = index
      number = number * IntegerExpression(self.batch[position]) + index
    }
    return (at.groups.isEmpty ? indices.last! : number * at.rows + indices.last!, batch, at.firstRow + indices.last!)
  }

  /// The queries in scratch memory, scaled where that is folded into them.
  mutating func loadQueries(_ at: ScoreBlock, _ tile: Place, in block: inout [Statement]) throws {
    let (query, types, scale, lowering) = (query, types, scaling.queryScale, self)
    // The component that fills the last pair of an odd depth is 0.
    let padded = types.padded(at.depth)
    let guarded: Set<Int> = padded == at.depth ? [] : [batchRank + 1]
    try builder.map(rowDimensions(at) + [("d", .constant(padded))], in: &block) { body, index in
      let row = lowering.row(index.dropLast(), at)
      let access = query.access(row.batch + [row.query, index.last!], guarded: guarded)
      let x = body.load(access, types.factor, otherwise: guarded.isEmpty ? nil : Literal(0.0))
      let scaled = scale == 1 ? x : try body.apply(.multiply, x, body.constant(scale, types.factor))
      body.store(scaled, Access(tile, row.number, index.last!))
    }
  }

  /// The dimensions of a contraction over `extent`, in pairs where products are paired, and what indexes an operand of them: the
  /// indices of a packed one (before and after its other index) and the plain index.
  mutating func contracted(_ name: Name, _ extent: IntegerExpression) -> (
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

  /// The score and where regions on the block of scores, and the maximum of each row. The where region runs only where a pair may be
  /// dead, by the condition `isPartial`.
  mutating func applyRegions(
    _ at: ScoreBlock, _ scores: Place, maximum: Place, _ j0: IntegerExpression, _ columns: IntegerExpression,
    isPartial: IntegerExpression, in block: inout [Statement]
  ) throws {
    let element = types.accumulator
    builder.map([("r", at.rowCount)], in: &block) { body, index in
      body.store(body.constant(-.infinity, element), Access(maximum, index[0]))
    }
    let lowering = self
    try whereMaskDecides(isPartial, in: &block) { builder, isPartial, sweep in
      try builder.map(lowering.rowDimensions(at) + [("c", columns)], in: &sweep) { body, index in
        let row = lowering.row(index.dropLast(), at)
        let place = Access(scores, row.number, index.last!)
        let raw = body.load(place, element)
        let indices = row.batch + [row.query, at.firstKey + j0 + index.last!]
        var result = raw
        if lowering.scaling == .region {
          result = lowering.inline(lowering.score, [raw], indices, in: &body)
        }
        if isPartial {
          let isLive = lowering.inline(lowering.condition, [], indices, in: &body)
          result = try body.apply(.select, isLive, result, body.constant(-.infinity, element))
        }
        if result != raw { body.store(result, place) }
        body.accumulate(.maximum, result, Access(maximum, row.number))
      }
    }
  }

  /// Statements in a form that computes the mask and one that does not; where only the call knows whether a pair may be dead, both,
  /// behind the condition `isPartial`.
  mutating func whereMaskDecides(
    _ isPartial: IntegerExpression, in block: inout [Statement],
    _ build: (_ builder: inout KernelBuilder, _ isPartial: Bool, _ block: inout [Statement]) throws -> Void
  ) rethrows {
    guard isPartial.constant == nil else { return try build(&builder, isPartial != 0, &block) }
    var (masked, plain): ([Statement], [Statement]) = ([], [])
    try build(&builder, true, &masked)
    try build(&builder, false, &plain)
    block.append(.branch(condition: isPartial, then: masked, otherwise: plain))
  }

  /// e to the difference of two scores.
  func power(_ difference: BodyValue, in body: inout Body) throws -> BodyValue {
    let scale = scaling.exponentScale
    let exponent = scale == 1 ? difference : try body.apply(.multiply, difference, body.constant(scale, types.accumulator))
    return try body.apply(.exp2, exponent)
  }

  /// The weights, e to the difference of score and shift, and their sums. Where weights are rounded to be multiplied, they are summed
  /// before.
  mutating func weigh(
    _ at: ScoreBlock, _ scores: Place, shift: Place, into weights: Place, sum: Place, _ columns: IntegerExpression,
    in block: inout [Statement]
  ) throws {
    let (types, lowering) = (types, self)
    try builder.map([("r", at.rowCount), ("c", columns)], in: &block) { body, index in
      let shift = body.load(Access(shift, index[0]), types.accumulator)
      let score = body.load(Access(scores, index[0], index[1]), types.accumulator)
      let weight: BodyValue
      if let scale = lowering.scaling.fusedScale {
        let scale = body.constant(scale, types.accumulator)
        let scaled = try body.apply(.multiply, shift, try body.apply(.negate, scale))
        weight = try body.apply(.exp2, try body.apply(.fusedMultiplyAdd, score, scale, scaled))
      } else {
        weight = try lowering.power(try body.apply(.subtract, score, shift), in: &body)
      }
      let isRounded = types.factor != types.accumulator
      body.store(isRounded ? try body.apply(.convert, weight, type: types.factor) : weight, Access(weights, index[0], index[1]))
      body.accumulate(.add, weight, Access(sum, index[0]))
    }
    fillLastPair(at, weights, columns, in: &block)
  }
}

extension IntegerExpression {
  var constant: Int? { if case .constant(let value) = self { value } else { nil } }
}

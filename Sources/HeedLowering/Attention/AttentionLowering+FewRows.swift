import HeedIR

/// The schedule for few rows against many keys: decoding.
///
/// Memory sets the pace, so keys and values are read once, as they are stored. Heads that share their keys are rows of one block. The
/// keys are cut into parts of a fixed length, which run in parallel; each gives the maximum of its scores, the sum of its weights and
/// the weighted sum of its values. A second phase combines the parts in order, so that the result does not depend on threads.
/// (Flash decoding: Dao et al. 2023.)
extension AttentionLowering {
  /// The most rows that this schedule takes.
  static let fewRows = 16
  /// The keys of a part.
  static let keysOfPart = 1024

  /// The keys whose values are multiplied at once: few enough for the first-level cache.
  static let keysAtOnce = 32

  /// Where the parts' results lie: [batch of keys..., parts, rows] and, for sums, the width of values.
  struct Parts {
    let maximum: Place
    let sum: Place
    let values: Place
    let count: Extent
  }

  /// Whether few rows are all there can be, or can be at some calls.
  enum Occurrence { case never, sometimes, always }

  /// The batch dimensions that share keys and values.
  var groupDimensions: [Int] { (0..<batchRank).filter { !panelDimensions.contains($0) } }

  /// The number of rows of one group of heads.
  var groupRows: Extent { groupDimensions.reduce(queries) { $0 * batch[$1] } }

  /// A call with as many queries as keys has few of both, and nothing to gain; nor has one that must gather what it reads.
  var fewRowsOccur: Occurrence {
    guard offsetsTable == nil, readsInPlace, !keys.isEqual(to: queries, given: facts) else { return .never }
    if let rows = groupRows.constant { return rows <= Self.fewRows ? .always : .never }
    let group = groupDimensions.reduce(Extent(1)) { $0 * batch[$1] }
    return group.constant.map { $0 <= Self.fewRows } ?? true ? .sometimes : .never
  }

  /// 1 where a call has few rows.
  var hasFewRows: IntegerExpression {
    switch fewRowsOccur {
    case .never: 0
    case .always: 1
    case .sometimes: .apply(.lessEqual, IntegerExpression(groupRows), .constant(Self.fewRows))
    }
  }

  mutating func attendFewRows(context: inout LoweringContext) throws {
    let widths = try constantWidths(context)
    let count = keys.dividedRoundingUp(by: Self.keysOfPart)
    let shape = panelDimensions.map { batch[$0] } + [count, Extent(Self.fewRows)]
    func workspace(_ name: Name, _ rest: [Extent]) -> Place {
      builder.workspace(name, TensorType(types.accumulator, Shape(shape + rest)))
    }
    let parts = Parts(
      maximum: workspace("part_maximum", []), sum: workspace("part_sum", []), values: workspace("part_values", [valueWidth]),
      count: count)
    try attendParts(parts, widths, context: &context)
    guard !classifiesOnly else { return }
    try combineParts(parts, widths)
    context.remark(
      .note, context.graph.results(node)[0],
      "up to \(Self.fewRows) rows of queries that share keys are attended in parts of \(Self.keysOfPart) keys, read as they are stored"
    )
  }

  private mutating func attendParts(
    _ parts: Parts, _ widths: (depth: Int, value: Int), context: inout LoweringContext
  ) throws {
    let (domain, indices) = batchDomain(panelDimensions)
    let (partDomain, part) = builder.dimension("s", IntegerExpression(parts.count) * hasFewRows)
    var all = [IntegerExpression](repeating: 0, count: batchRank)
    for (dimension, index) in zip(panelDimensions, indices) { all[dimension] = index }
    var body: [Statement] = []
    let j0 = builder.define("j0", part * .constant(Self.keysOfPart), in: &body)
    let columns = builder.define("columns", .smaller(IntegerExpression(keys) - j0, .constant(Self.keysOfPart)), in: &body)
    let at = ScoreBlock(
      batch: all, groups: groupDimensions, firstRow: 0, rows: IntegerExpression(queries), rowCount: IntegerExpression(groupRows),
      firstKey: 0, keyCount: IntegerExpression(keys), depth: widths.depth, valueWidth: widths.value)
    let (rows, element) = (Self.fewRows, types.accumulator)
    let query = builder.tile("query", types.factor, [rows, max(types.padded(at.depth), 1)], in: &body)
    let scores = builder.tile("scores", element, [rows, Self.keysOfPart], in: &body)
    let weights = types.isPaired ? builder.tile("weights", types.factor, [rows, Self.keysOfPart], in: &body) : scores
    let shift = builder.tile("shift", element, [rows], in: &body)
    let sum = builder.tile("sum", element, [rows], in: &body)
    let accumulator = builder.tile("accumulator", element, [rows, max(at.valueWidth, 1)], in: &body)
    func access(_ place: Place, _ row: IntegerExpression, _ rest: IntegerExpression...) -> Access {
      Access(place, (indices + [part, row] + rest).map { Access.Index($0) })
    }

    let verdict = try judgePart(at, j0, columns, in: &body)
    guard !classifiesOnly else {
      try builder.map([("u", 1)], in: &body) { body, _ in
        body.store(try body.apply(.convert, body.index(verdict, .i32), type: element), access(parts.maximum, 0))
      }
      return builder.phase("attend_part", domain + [partDomain], body)
    }
    var live: [Statement] = []
    try loadQueries(at, query, in: &live)
    multiplyByStoredKeys(at, query, scores, j0, columns, in: &live)
    let isPartial: IntegerExpression = isMasked ? .apply(.lessEqual, 2, verdict) : 0
    if weighsByScore {
      try weighByScore(at, scores, into: weights, j0, columns, isPartial: isPartial, in: &live)
    } else {
      try applyRegions(at, scores, maximum: shift, j0, columns, isPartial: isPartial, in: &live)
      try builder.map([("r", at.rowCount)], in: &live) { body, index in
        let maximum = body.load(Access(shift, index[0]), element)
        let isDead = try body.apply(.equal, maximum, body.constant(-.infinity, element))
        body.store(maximum, access(parts.maximum, index[0]))
        body.store(try body.apply(.select, isDead, body.constant(0, element), maximum), Access(shift, index[0]))
        body.store(body.constant(0, element), Access(sum, index[0]))
      }
      try weigh(at, scores, shift: shift, into: weights, sum: sum, columns, in: &live)
      builder.map([("r", at.rowCount)], in: &live) { body, index in
        body.store(body.load(Access(sum, index[0]), element), access(parts.sum, index[0]))
      }
    }
    multiplyByStoredValues(at, weights, accumulator, j0, columns, in: &live)
    builder.map([("r", at.rowCount), ("e", .constant(at.valueWidth))], in: &live) { body, index in
      body.store(body.load(Access(accumulator, index[0], index[1]), element), access(parts.values, index[0], index[1]))
    }
    if !isMasked {
      body += live
    } else {
      var dead: [Statement] = []
      if !weighsByScore {
        builder.map([("r", at.rowCount)], in: &dead) { body, index in
          body.store(body.constant(-.infinity, element), access(parts.maximum, index[0]))
          body.store(body.constant(0, element), access(parts.sum, index[0]))
        }
      }
      builder.map([("r", at.rowCount), ("e", .constant(at.valueWidth))], in: &dead) { body, index in
        body.store(body.constant(0, element), access(parts.values, index[0], index[1]))
      }
      body.append(.branch(condition: .apply(.notEqual, verdict % 2, 0), then: live, otherwise: dead))
    }
    builder.phase("attend_part", domain + [partDomain], body)
  }

  private mutating func multiplyByStoredKeys(
    _ at: ScoreBlock, _ query: Place, _ scores: Place, _ j0: IntegerExpression, _ columns: IntegerExpression,
    in block: inout [Statement]
  ) {
    let types = types
    builder.forEachRun(of: key, at.batch, from: j0, count: columns, alignment: Self.keysOfPart, isReadAhead: true, in: &block) {
      builder, run, block in
      let (rows, r) = builder.dimension("r", at.rowCount)
      let (columnDimension, c) = builder.dimension("c", run.count)
      let (depthDimension, d) = builder.dimension("d", .constant(at.depth))
      var store = Body(parameters: [ScalarFunction.Parameter("score", types.accumulator)])
      store.store(BodyValue(0), Access(scores, r, run.first + c))
      block.append(
        .contract(
          Contraction(
            rows: rows, columns: [columnDimension], over: [depthDimension], left: Access(query, r, d), right: run.access(c, d),
            ahead: run.accessAhead(c, d), accumulator: types.accumulator, epilogue: store)))
    }
  }

  /// The weighted sum of a part's values, some keys at a time: what does not fit in a register tile is met again while it is near.
  private mutating func multiplyByStoredValues(
    _ at: ScoreBlock, _ weights: Place, _ accumulator: Place, _ j0: IntegerExpression, _ columns: IntegerExpression,
    in block: inout [Statement]
  ) {
    let types = types
    builder.map([("r", at.rowCount), ("e", .constant(at.valueWidth))], in: &block) { body, index in
      body.store(body.constant(0, types.accumulator), Access(accumulator, index[0], index[1]))
    }
    builder.forEachRun(of: value, at.batch, from: j0, count: columns, alignment: Self.keysOfPart, isReadAhead: true, in: &block) {
      builder, run, block in
      let step = builder.variable("j1")
      let j1 = IntegerExpression.variable(step)
      let (rowDimension, r) = builder.dimension("r", at.rowCount)
      let (valueColumns, e) = builder.dimension("e", .constant(at.valueWidth))
      let (keyDimension, j) = builder.dimension("j", .smaller(run.count - j1, .constant(Self.keysAtOnce)))
      var store = Body(parameters: [ScalarFunction.Parameter("sum", types.accumulator)])
      store.store(BodyValue(0), Access(accumulator, r, e))
      let product = Contraction(
        rows: rowDimension, columns: [valueColumns], over: [keyDimension], left: Access(weights, r, run.first + j1 + j),
        right: run.access(j1 + j, e), ahead: run.accessAhead(j1 + j, e), initial: Access(accumulator, r, e),
        accumulator: types.accumulator, epilogue: store)
      block.append(.loop(Loop(step, from: 0, to: run.count, step: Self.keysAtOnce, body: [.contract(product)])))
    }
  }

  /// The parts of a row, each with the weight that its maximum has beside the greatest, in order.
  private mutating func combineParts(_ parts: Parts, _ widths: (depth: Int, value: Int)) throws {
    let (domain, indices) = batchDomain(Array(0..<batchRank))
    let (queryDomain, query) = builder.dimension("i", IntegerExpression(queries) * hasFewRows)
    var body: [Statement] = []
    let group = groupDimensions.reduce(IntegerExpression(0)) { $0 * IntegerExpression(batch[$1]) + indices[$1] }
    let row = builder.define("row", group * IntegerExpression(queries) + query, in: &body)
    let (element, output, lowering) = (types.accumulator, output, self)
    let accumulator = builder.tile("accumulator", element, [max(widths.value, 1)], in: &body)
    let maximum = builder.tile("maximum", element, [1], in: &body)
    let sum = builder.tile("sum", element, [1], in: &body)
    func access(_ place: Place, _ part: IntegerExpression, _ rest: IntegerExpression...) -> Access {
      Access(place, (panelDimensions.map { indices[$0] } + [part, row] + rest).map { Access.Index($0) })
    }
    builder.map([("e", .constant(widths.value))], in: &body) { body, index in
      body.store(body.constant(0, element), Access(accumulator, index[0]))
    }
    if !weighsByScore {
      builder.map([("u", 1)], in: &body) { body, _ in
        body.store(body.constant(-.infinity, element), Access(maximum, 0))
        body.store(body.constant(0, element), Access(sum, 0))
      }
      builder.map([("s", IntegerExpression(parts.count))], in: &body) { body, index in
        body.accumulate(.maximum, body.load(access(parts.maximum, index[0]), element), Access(maximum, 0))
      }
    }
    let step = builder.variable("s")
    let part = IntegerExpression.variable(step)
    /// The weight of the part; that of one without a live key is 0.
    func weight(in body: inout Body) throws -> BodyValue {
      if lowering.weighsByScore { return body.constant(1, element) }
      let most = body.load(Access(maximum, 0), element)
      let isDead = try body.apply(.equal, most, body.constant(-.infinity, element))
      let shift = try body.apply(.select, isDead, body.constant(0, element), most)
      return try lowering.power(
        try body.apply(.subtract, body.load(access(parts.maximum, part), element), shift), in: &body)
    }
    var round: [Statement] = []
    if !weighsByScore {
      try builder.map([("u", 1)], in: &round) { body, _ in
        let weight = try weight(in: &body)
        body.accumulate(.add, try body.apply(.multiply, body.load(access(parts.sum, part), element), weight), Access(sum, 0))
      }
    }
    try builder.map([("e", .constant(widths.value))], in: &round) { body, index in
      let place = Access(accumulator, index[0])
      let value = body.load(access(parts.values, part, index[0]), element)
      let weight = try weight(in: &body)
      body.store(try body.apply(.fusedMultiplyAdd, value, weight, body.load(place, element)), place)
    }
    body.append(.loop(Loop(step, from: 0, to: IntegerExpression(parts.count), step: 1, body: round)))
    if !weighsByScore {
      try builder.map([("u", 1)], in: &body) { body, _ in
        let (most, total) = (body.load(Access(maximum, 0), element), body.load(Access(sum, 0), element))
        body.store(try lowering.finishRow(most, total, at: indices + [query], in: &body), Access(sum, 0))
      }
    }
    try builder.map([("e", .constant(widths.value))], in: &body) { body, index in
      var value = body.load(Access(accumulator, index[0]), element)
      if !lowering.weighsByScore { value = try body.apply(.multiply, value, body.load(Access(sum, 0), element)) }
      body.store(value, output.access(indices + [query, index[0]]))
    }
    builder.phase("combine", domain + [queryDomain], body)
  }
}

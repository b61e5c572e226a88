import Foundation

/// The pairs of a query and a key that ops on attention's scores see: what their definitions and decompositions share.
///
/// Operands are the query `[batch..., M, D]` and the key `[batch..., N, D]`, a third one, and captured tensors; the first two regions are
/// `score` and `where`; the attribute `ragged` names the captured segment offsets.
struct AttentionPairs {
  private let query: ReferenceArray
  private let key: ReferenceArray
  let captured: [ReferenceArray]
  fileprivate let evaluation: Evaluation
  /// The segment of each row; nil where all are in one.
  private let segments: [Int]?

  /// The extents of the batch dimensions.
  let batch: [Int]
  let rows: Int
  let columns: Int

  init(_ evaluation: Evaluation) {
    (query, key) = (evaluation.operands[0], evaluation.operands[1].inReals)
    captured = Array(evaluation.captured)
    self.evaluation = evaluation
    batch = Array(query.shape.dropLast(2))
    (rows, columns) = (query.shape[batch.count], key.shape[batch.count])
    segments = evaluation.captured(.ragged).map { [rows] offsets in
      (0..<rows).map { row in offsets.integers.dropFirst().count { $0 <= Int64(row) } }
    }
  }

  /// The live keys of a row and their scores, by rising key; all keys where no pair lives and dead ones have scores of their own.
  /// - Parameters:
  ///   - outer: the batch indices.
  ///   - number: their row-major position.
  ///   - seesDead: whether dead pairs may have scores.
  func live(_ outer: [Int], _ number: Int, row i: Int, seesDead: Bool = true) throws -> [(key: Int, score: Double)] {
    let width = query.shape[batch.count + 1]
    var pairs: [(key: Int, score: Double)] = []
    var dead: [(key: Int, score: Double)] = []
    let hasSecond = seesDead && evaluation.regions[0].results.count == 2
    for j in 0..<columns where segments.map({ $0[i] == $0[j] }) ?? true {
      let indices = (outer + [i, j]).map { Literal($0) }
      let isLive = try evaluation.evaluate(1, indices, tables: captured)[0].integer != 0
      guard isLive || hasSecond else { continue }
      let (q, k) = ((number * rows + i) * width, (number * columns + j) * width)
      var product = 0.0
      for d in 0..<width { product += query.reals[q + d] * key.reals[k + d] }
      let scores = try evaluation.evaluate(0, [Literal(product)] + indices, tables: captured)
      if isLive { pairs.append((j, scores[0].real)) } else { dead.append((j, scores[1].real)) }
    }
    guard hasSecond, pairs.allSatisfy({ $0.score == -.infinity }) else { return pairs }
    return (pairs + dead).sorted { $0.key < $1.key }
  }
}

extension AttentionPairs {
  /// What the region of this number, over the indices of a pair, yields.
  func number(_ region: Int, _ outer: [Int], row: Int, key: Int) throws -> Double {
    try evaluation.evaluate(region, (outer + [row, key]).map { Literal($0) }, tables: captured)[0].real
  }

  /// The weights of a row, exp(score - log_sum_exp), 0 where the pair is dead; the softmax where the logarithm, operand 2, is coarse.
  func weights(_ outer: [Int], _ number: Int, row i: Int) throws -> [Double] {
    let row = number * rows + i
    let logSumExp = evaluation.operands[2].reals[row]
    let isCoarse = logSumExp.isFinite && abs(logSumExp) >= Op.coarseLogarithm
    let pairs = try live(outer, number, row: i, seesDead: isCoarse)
    let shift = logSumExp == -.infinity ? 0 : logSumExp
    let sinks = evaluation.captured(.sink).map { [$0.reals[row]] } ?? []
    let all = isCoarse ? softmaxWeights(pairs.map(\.score) + sinks) : pairs.map { Foundation.exp($0.score - shift) }
    var weights = [Double](repeating: 0, count: columns)
    for (pair, weight) in zip(pairs, all) { weights[pair.key] = weight }
    return weights
  }
}

/// The scores of attention as tensors of a decomposition.
struct DecomposedScores {
  /// `[batch..., M, N]`, also where the pair is dead.
  let scores: ValueID
  /// The scores of dead pairs in rows without a live one; nil where they have none.
  let ofDead: ValueID?
  /// Whether a pair is live.
  let live: ValueID
  let shape: Shape
  let tables: [ValueID]

  /// contract and the regions over index tensors.
  init(_ context: inout Decomposition) throws {
    let element = context.regions[0].parameters[0].type
    let operands = try context.operands.prefix(2).map { try context.widened($0, to: element) }
    let (queryType, keyType) = (context.type(operands[0]), context.type(operands[1]))
    let batch = queryType.rank - 2
    shape = Shape(queryType.shape.extents.dropLast() + [keyType.shape[batch]])
    tables = Array(context.captured)
    let products = try context.emit(
      .contract, operands[0], operands[1], attributes: Self.subscripts(batch, "id", "jd", "ij"))
    let results = try Self.applyAll(context.regions[0], leading: [products], tables, shape, &context)
    (scores, ofDead) = (results[0], results.count == 2 ? results[1] : nil)
    var live = try Self.apply(context.regions[1], leading: [], tables, shape, &context)
    if let offsets = context.captured(.ragged) {
      let segments = try context.emit(.segmentIDs, offsets, stated: TensorType(.i32, [queryType.shape[batch]]))
      let (ofQuery, ofKey) = (
        try context.broadcast(segments, to: shape, dims: [batch]), try context.broadcast(segments, to: shape, dims: [batch + 1])
      )
      live = try context.emit(.and, live, context.emit(.equal, ofQuery, ofKey))
    }
    self.live = live
  }

  /// The scores with `dead` in place of those of dead pairs.
  func masked(_ dead: Double, _ context: inout Decomposition) throws -> ValueID {
    try context.emit(.select, live, scores, context.constant(dead, context.type(scores).element))
  }

  /// The scores that a softmax takes: -inf for dead pairs, in rows without a live one their own.
  func masked(_ context: inout Decomposition) throws -> ValueID {
    let masked = try masked(-.infinity, &context)
    guard let ofDead else { return masked }
    let none = try context.constant(-.infinity, context.type(scores).element)
    let greatest = try context.reduce(masked, .maximum, dim: shape.rank - 1)
    let isEmpty = try context.broadcast(context.emit(.equal, greatest, none), to: shape, without: shape.rank - 1)
    return try context.emit(.select, live, scores, context.emit(.select, isEmpty, ofDead, none))
  }

  /// The softmax of the masked scores, of a sink where there is one, and the scores with that sink as the last column.
  func softmax(_ context: inout Decomposition) throws -> (weights: ValueID, scores: ValueID) {
    let scores = try masked(&context)
    let dim = Attribute(.dim, shape.rank - 1)
    guard let sink = context.captured(.sink) else {
      return (try context.emit(.softmax, scores, attributes: [dim]), scores)
    }
    let element = context.type(scores).element
    let column = TensorType(element, Shape(shape.extents.dropLast() + [1]))
    let last = try context.emit(.reshape, context.widened(sink, to: element), stated: column)
    let withSink = try context.emit(.concatenate, scores, last, attributes: [dim])
    let start: [Extent] = shape.extents.map { _ in 0 }
    let weights = try context.emit(
      .slice, context.emit(.softmax, withSink, attributes: [dim]),
      attributes: [Attribute(.start, start), Attribute(.stop, shape.extents)])
    return (weights, withSink)
  }

  /// The weights, exp(score - log_sum_exp), 0 where the pair is dead; the softmax where the logarithm, operand 2, is coarse.
  func weights(_ context: inout Decomposition) throws -> ValueID {
    let (logSumExp, element) = (context.operands[2], context.type(context.operands[2]).element)
    let isDead = try context.emit(.equal, logSumExp, context.constant(-.infinity, element))
    let shift = try context.emit(.select, isDead, context.constant(0, element), logSumExp)
    let rows = try context.broadcast(shift, to: shape, without: shape.rank - 1)
    let wide = try context.widened(scores, to: element)
    let exponentials = try context.emit(.exp, context.emit(.subtract, wide, rows))
    let plain = try context.emit(.select, live, exponentials, context.constant(0, element))
    let size = try context.emit(.absolute, logSumExp)
    let isCoarse = try context.emit(
      .and, context.emit(.lessEqual, context.constant(Op.coarseLogarithm, element), size),
      context.emit(.less, size, context.constant(.infinity, element)))
    let exact = try context.widened(softmax(&context).weights, to: element)
    return try context.emit(.select, context.broadcast(isCoarse, to: shape, without: shape.rank - 1), exact, plain)
  }

  /// The subscripts of a contract over `batch` batch dimensions, whose letters are capital, so that there are enough of them.
  static func subscripts(_ batch: Int, _ left: String, _ right: String, _ result: String) -> [Attribute] {
    let letters = (0..<batch).map { Character(Unicode.Scalar(UInt8(65 + $0))) }
    let subscripts = ContractSubscripts(left: letters + left, right: letters + right, result: letters + result)
    return [Attribute(.subscripts, subscripts)]
  }

  /// A region applied to its first parameters and, for each of the others, to an iota.
  static func apply(
    _ region: ScalarFunction, leading: [ValueID], _ tables: [ValueID], _ shape: Shape, _ context: inout Decomposition
  ) throws -> ValueID { try applyAll(region, leading: leading, tables, shape, &context)[0] }

  /// The same for all values that the region yields.
  static func applyAll(
    _ region: ScalarFunction, leading: [ValueID], _ tables: [ValueID], _ shape: Shape, _ context: inout Decomposition
  ) throws -> [ValueID] {
    var regionShape = Decomposition.RegionShape(full: shape)
    for dim in 0..<shape.rank { regionShape.indexDimensions[region.parameter(leading.count + dim)] = dim }
    return try context.apply(region, tables: tables, shape: regionShape) { context, position in
      if position < leading.count { return leading[position] }
      return try context.emit(
        .iota, attributes: [Attribute(.dim, position - leading.count)],
        stated: TensorType(region.parameters[position].type, shape))
    }
  }
}

extension Inference {
  /// Checks queries, keys, captured tensors and the regions `score` and `where` of an op on attention's scores.
  /// - Returns: the scores' type.
  func checkPairs() throws -> ElementType {
    let (query, key) = (operands[0], operands[1])
    let element = query.element
    try expect(element.isFloat, "got queries of type \(element), expected a float type")
    try checkRows(key)
    let rank = query.rank
    let named = describe(operands.prefix(3))
    try expect(rank >= 2 && key.rank == rank, "got \(named), expected one rank of at least 2")
    let batch = rank - 2
    for dim in 0..<batch {
      try expect(areEqual(query.shape[dim], key.shape[dim]), "got \(named), expected equal extents in dimension \(dim)")
    }
    try expect(areEqual(query.shape[rank - 1], key.shape[rank - 1]), "got \(named), expected queries and keys of one width")
    if let offsets = try checkedCaptured(.ragged) {
      try checkOffsets(offsets)
      try expect(areEqual(query.shape[batch], key.shape[batch]), "got \(named), expected as many queries as keys where ragged")
    }
    let score = regions.first?.parameters.first?.type ?? element
    try expect(
      score == element || score == element.computed,
      "got the region score of \(score), expected \(element)\(element == element.computed ? "" : " or \(element.computed)")")
    try checkRegion(0, parameters: [("\(score)", { $0 == score })] + pairIndices, tables: Array(captured))
    try checkRegion(1, parameters: pairIndices, tables: Array(captured))
    if regions[0].results.count == 2 {
      let second = regions[0].type(regions[0].results[1])
      try expect(second == score, "got \(second) as the second value yielded by the region score, expected \(score)")
    } else {
      try checkYield(0, of: score)
    }
    try checkYield(1, of: .bool)
    return score
  }

  /// Checks that keys or values are of the queries' type or of one that it holds exactly in fewer bytes.
  func checkRows(_ rows: TensorType) throws {
    let element = operands[0].element
    try expect(
      rows.element == element || rows.element.widens(to: element),
      "got \(describe(operands.prefix(3))), expected keys and values of type \(element) or of a narrower one that it holds exactly")
  }

  /// The index parameters of regions: one per batch dimension, then the query and the key.
  var pairIndices: [(role: String, isAllowed: (ElementType) -> Bool)] {
    Array(repeating: (role: "i32 or i64", isAllowed: { $0 == .i32 || $0 == .i64 }), count: operands[0].rank)
  }

  /// Checks that a region yields one value of the type `expected`.
  func checkYield(_ position: Int, of expected: ElementType) throws {
    try checkYield(position, count: 1)
    let got = regions[position].type(regions[position].results[0])
    try expect(got == expected, "got \(got) yielded by the region \(op.regionKeywords[position]), expected \(expected)")
  }

  /// The captured tensor that the attribute `key` names; nil where there is none.
  func checkedCaptured(_ key: AttributeKey<CapturedOperand>) throws -> TensorType? {
    guard let operand = attributes[key] else { return nil }
    try expect(
      (0..<captured.count).contains(operand.number),
      "got \(key.name) = \(operand.number), expected the number of one of \(captured.count) captured tensors")
    return captured(key)
  }
}

extension Inference {
  /// Checks the sink of an op on attention's scores.
  func checkSink() throws {
    guard let type = try checkedCaptured(.sink) else { return }
    let rows = Shape(operands[0].shape.extents.dropLast())
    try expect(
      type.element.isFloat && areEqual(type.shape, rows), "got the sink of type \(type), expected floats of shape \(rows)")
  }

  /// Checks the logarithm of the rows' sums, operand 2 of an op on attention's weights, and the sink.
  /// - Returns: its type.
  func checkLogSumExp() throws -> ElementType {
    let score = try checkPairs()
    let (rows, type) = (Shape(operands[0].shape.extents.dropLast()), operands[2])
    try expect(
      type.element == score.computed && areEqual(type.shape, rows),
      "got the logarithm of type \(type), expected \(score.computed)\(rows)")
    try checkSink()
    return type.element
  }
}

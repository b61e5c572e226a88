extension AttributeKey where Value == [Int] {
  /// The rows and columns of a block of pairs; 0 is all there are.
  public static var block: Self { Self("block") }
}

extension AttributeKey where Value == [Extent] {
  /// The start and the stop of the rows that count.
  public static var rows: Self { Self("rows") }
  /// The start and the stop of the columns that count.
  public static var columns: Self { Self("columns") }
}

extension Op {
  /// The size from which the logarithm of a row's sum, as an f32, leaves too little of a score's difference from it.
  public static let coarseLogarithm = 128.0

  /// `attention_reduce %query, %key, %log_sum_exp, %captured... score (...) { ... } where (...) { ... } value (%p, %b..., %i, %j) { ... }
  /// {...}`: a statistic of attention's weights, which are recomputed from scores and never stored.
  ///
  /// query is `[batch..., M, D]`, key `[batch..., N, D]`, log_sum_exp `[batch..., M]` of the type that it has as a result of
  /// `attention`; the regions `score` and `where` are those of `attention`, and so is the sink. The weight of a pair is
  /// `p = exp(score - log_sum_exp[b, i])`, or 0 where the pair is not live. A finite logarithm of at least `Op.coarseLogarithm` in size is
  /// too coarse for that: the weights of such a row are its softmax, as in `attention`, with the scores of dead pairs where no pair lives.
  /// From the weight the region `value` computes one number per pair, of the logarithm's type, and the numbers of a block of pairs are
  /// reduced:
  /// ```
  /// r[b, x, y] = kind over i in block x of rows, j in block y of columns of value(p, b, i, j)
  /// ```
  /// Attributes:
  /// - `kind = add`, `maximum` or `minimum`.
  /// - `block = [rows, columns]`: the extents of a block; 0 means the whole dimension. The last block of a dimension may be
  ///   smaller.
  /// - `rows = [start, stop]`, `columns = [start, stop]`: the pairs that count, all where it is left out. Blocks begin at `start`.
  /// - `sink = n`: the captured tensor n, as in `attention`.
  /// - `dims`: batch dimensions, rising, whose numbers are reduced as well, in order; the result does not have them. So the weights of
  ///   all heads are averaged, and none of them is stored.
  ///
  /// The result is `[batch..., blocks of rows, blocks of columns]`; a block without pairs has the kind's identity.
  public static let attentionReduce = Op(
    "attention_reduce", operands: .leading(["query", "key", "log_sum_exp"], rest: "captured"),
    attributes: [
      .required(.block), .optional(.columns), .optional(.dims), .required(.kind), .optional(.rows), .optional(.sink),
    ], regions: ["score", "where", "value"], traits: [.fused, .capturesTables, .scoresPairs],
    infer: { inference in
      let element = try inference.checkLogSumExp()
      try inference.checkRegion(
        2, parameters: [("\(element)", { $0 == element })] + inference.pairIndices, tables: Array(inference.captured))
      try inference.checkYield(2, of: element)
      try inference.checkReduction(of: element)
      let kind = inference.attributes.required(.kind)
      try inference.expect(
        [.add, .maximum, .minimum].contains(kind), "got kind = \(kind.rawValue), expected add, maximum or minimum")
      let block = inference.attributes.required(.block)
      try inference.expect(
        block.count == 2 && block.allSatisfy { (0...4096).contains($0) },
        "got block = \(block), expected two extents from 0 to 4096")
      let window = try inference.window()
      let blocks = zip(window, block).map { range, size in size == 0 ? 1 : (range.stop - range.start).dividedRoundingUp(by: size) }
      let batch = inference.operands[0].rank - 2
      let reduced = inference.attributes[.dims] ?? []
      try inference.expect(
        reduced.allSatisfy { (0..<batch).contains($0) } && zip(reduced, reduced.dropFirst()).allSatisfy { $0 < $1 },
        "got dims = \(reduced), expected rising numbers of the \(batch) batch dimensions")
      let kept = inference.attributes.keptBatch(batch).map { inference.operands[0].shape[$0] }
      return [TensorType(element, Shape(kept + blocks))]
    },
    evaluate: { try evaluateAttentionReduce($0) },
    cost: { $0.costOfPairs },
    decompose: { try decomposeAttentionReduce(&$0) },
    derivative: Derivative(
      forward: { try $0.tangentsOfAttentionReduce($1) }, reverse: { try $0.cotangentsOfAttentionReduce($1) }))
}

extension CostQuery {
  /// The operations of the scores and regions of all pairs.
  fileprivate var costOfPairs: Cost {
    let (rows, columns) = (operands[0].shape, operands[1].shape)
    let pairs = rows.extents.dropLast().reduce(Extent(1), *) * columns[columns.rank - 2]
    let regions = regions.reduce(1) { $0 + $1.instructions.count }
    return Cost(flops: pairs * (Extent(2) * rows[rows.rank - 1] + Extent(regions)), bytes: bytes)
  }
}

extension Attributes {
  /// The batch dimensions that an `attention_reduce` does not reduce, of `count` in all.
  public func keptBatch(_ count: Int) -> [Int] { (0..<count).filter { !(self[.dims] ?? []).contains($0) } }

  /// The rows and columns that count in an op on attention's weights.
  /// - Parameter whole: the numbers of queries and keys.
  public func window(_ whole: [Extent]) -> [(start: Extent, stop: Extent)] {
    zip([self[.rows], self[.columns]], whole).map { range, extent in range.map { ($0[0], $0[1]) } ?? (0, extent) }
  }
}

extension Inference {
  /// The attributes `rows` and `columns`, checked.
  fileprivate func window() throws -> [(start: Extent, stop: Extent)] {
    let rank = operands[0].rank
    let whole = [operands[0].shape[rank - 2], operands[1].shape[rank - 2]]
    for (key, extent) in zip([AttributeKey.rows, .columns], whole) {
      guard let range = attributes[key] else { continue }
      try expect(range.count == 2, "got \(range.count) extents of \(key.name), expected start and stop")
      for distance in [range[0], range[1] - range[0], extent - range[1]] {
        try expect(
          !distance.isAlwaysNegative,
          "got \(key.name) = \(range[0]) ..< \(range[1]), expected a range inside 0 ..< \(extent)")
      }
    }
    return attributes.window(whole)
  }
}

private func evaluateAttentionReduce(_ evaluation: Evaluation) throws -> [ReferenceArray] {
  let pairs = AttentionPairs(evaluation)
  let (reduction, block) = (evaluation.attributes.required(.kind), evaluation.attributes.required(.block))
  let types = evaluation.operandTypes
  let whole = [types[0].shape[pairs.batch.count], types[1].shape[pairs.batch.count]]
  let window = try evaluation.attributes.window(whole).map { range in
    (try range.start.evaluate { evaluation.binding[$0] }, try range.stop.evaluate { evaluation.binding[$0] })
  }
  for ((start, stop), count) in zip(window, [pairs.rows, pairs.columns]) where start < 0 || stop < start || stop > count {
    throw HeedError("attention_reduce: got the range \(start) ..< \(stop), expected one inside 0 ..< \(count)")
  }
  let element = evaluation.resultTypes[0].element
  let identity = reduction.identity(element)
  let kept = evaluation.attributes.keptBatch(pairs.batch.count)
  var result = ReferenceArray.generated(element, evaluation.resultShapes[0]) { _ in identity }
  func position(_ index: Int, _ dimension: Int) -> Int {
    block[dimension] == 0 ? 0 : (index - window[dimension].0) / block[dimension]
  }
  try ReferenceArray.forEachIndex(of: pairs.batch) { outer, number in
    for i in window[0].0..<window[0].1 {
      let weights = try pairs.weights(outer, number, row: i)
      for j in window[1].0..<window[1].1 {
        let indices = (outer + [i, j]).map { Literal($0) }
        let value = try evaluation.evaluate(2, [Literal(weights[j])] + indices, tables: pairs.captured)[0]
        let target = result.position(kept.map { outer[$0] } + [position(i, 0), position(j, 1)])
        result[target] = reduction.combine(result[target], value, element)
      }
    }
  }
  return [result]
}

/// The weights, the region `value` over index tensors, a slice, and a reduction of blocks that padding has made whole.
private func decomposeAttentionReduce(_ context: inout Decomposition) throws -> [ValueID] {
  let pairs = try DecomposedScores(&context)
  let weights = try pairs.weights(&context)
  var value = try DecomposedScores.apply(context.regions[2], leading: [weights], pairs.tables, pairs.shape, &context)
  let (element, batch) = (context.type(value).element, pairs.shape.rank - 2)
  let (attributes, result) = (context.attributes, context.resultTypes[0])
  let outer = Array(pairs.shape.extents.prefix(batch))
  let window = attributes.window(Array(pairs.shape.extents.suffix(2)))
  let (starts, stops) = (window.map(\.start), window.map(\.stop))
  value = try context.emit(
    .slice, value,
    attributes: [
      Attribute(.start, outer.map { _ in 0 } + starts), Attribute(.stop, outer + stops),
    ])
  let counts = window.map { $0.stop - $0.start }
  let sizes = zip(attributes.required(.block), counts).map { $0 == 0 ? $1 : Extent($0) }
  let blocks = Array(result.shape.extents.suffix(2))
  let missing = zip(zip(blocks, sizes), counts).map { $0.0 * $0.1 - $1 }
  if missing.contains(where: { $0 != 0 }) {
    let zeros: [Extent] = outer.map { _ in 0 } + [0, 0]
    value = try context.emit(
      .pad, value,
      attributes: [
        Attribute(.low, zeros), Attribute(.high, outer.map { _ in 0 } + missing),
        Attribute(.padValue, attributes.required(.kind).identity(element)),
      ])
  }
  let split = Shape(outer + [blocks[0], sizes[0], blocks[1], sizes[1]])
  value = try context.emit(.reshape, value, stated: TensorType(element, split))
  return [
    try context.emit(
      .reduce, value,
      attributes: [
        Attribute(.dims, (attributes[.dims] ?? []) + [batch + 1, batch + 3]), Attribute(.kind, attributes.required(.kind)),
      ])
  ]
}

extension AttributeKey where Value == Bool {
  /// Whether there is a result with the logarithm of what each row is divided by.
  public static var logSumExp: Self { Self("log_sum_exp") }
  /// Whether there is a result with that logarithm less the row's greatest score.
  public static var relativeLogSumExp: Self { Self("relative_log_sum_exp") }
  /// Whether there is a result with each row's greatest live score.
  public static var maximum: Self { Self("maximum") }
  /// Whether there are results with what makes weights of each row's scores.
  public static var shifts: Self { Self("shifts") }
  /// Whether the output is a result in the type of its sums as well.
  public static var unrounded: Self { Self("unrounded") }
  /// Whether there is a result with the sum of each row's weights.
  public static var weightSum: Self { Self("weight_sum") }
}

extension ResultName {
  /// The logarithm of what each row is divided by.
  public static let logSumExp = Self("log_sum_exp")
  /// That logarithm less the row's greatest score.
  public static let relativeLogSumExp = Self("relative_log_sum_exp")
  /// The greatest live score of each row.
  public static let maximum = Self("maximum")
  /// The sum of each row's weights.
  public static let weightSum = Self("weight_sum")
  /// The output before it is rounded to its type.
  public static let unrounded = Self("unrounded")
  /// What each row's scores are lessened by before they are exponents.
  public static let shift = Self("shift")
  /// The logarithm of what the exponentials of a row's lessened scores are divided by.
  public static let logDivisor = Self("log_divisor")
}

extension AttributeKey where Value == CapturedOperand {
  /// The operand that holds a further score per row, whose value is 0.
  public static var sink: Self { Self("sink") }
}

extension AttributeKey where Value == AttentionWeighting {
  /// What the weights of pairs are.
  public static var weights: Self { Self("weights") }
}

/// What the weights of attention's pairs are.
public enum AttentionWeighting: String, AttributeWord {
  /// The scores themselves; nothing is divided.
  case score
  /// The softmax of each row's scores.
  case softmax
}

extension Op {
  /// `attention %query, %key, %value, %captured... score (%s, %b..., %i, %j) { ... } where (%b..., %i, %j) { ... } factor (%b..., %i, %j)
  /// { ... } {...}`: attention whose score matrix is never stored.
  ///
  /// query is `[batch..., M, D]`, key `[batch..., N, D]`, value `[batch..., N, E]`; the result is `[batch..., M, E]`. Key and value are
  /// each of the query's type or of one that it holds exactly in fewer bytes: i8, u8 or a narrower float. The region
  /// `score` computes the score of a pair, `where` whether the pair is live, and `factor`, which may be left out and is then 1, what the
  /// pair's weight is multiplied by after the softmax. All have as parameters the index of each batch dimension, of the query and of the
  /// key, each i32 or i64. `score` has before them `s = sum over d of query[b, i, d] * key[b, j, d]`:
  /// ```
  /// weight = factor * exp(score) / (sum over live j of exp(score) + exp(sink[b, i]))
  /// r[b, i, e] = sum over live j of weight * value[b, j, e]
  /// ```
  /// The region `score` has the operands' type, or f32 where they are of 16 bits; the result and `factor` have its type. The weight of
  /// a pair that is not live is exactly 0, and its value adds nothing, whatever its score, its factor and its value are; a live score of
  /// -inf is the same. A row without a live pair, or whose live scores are all -inf, is 0.
  ///
  /// `score` may yield a second value: the score of a pair that is not live, for rows in which no pair lives. Such a row is the softmax
  /// of those. (Masks that add a finite number, or put one in place of the score, leave that of a row that they mask altogether.)
  ///
  /// Attributes:
  /// - `sink = n`: the captured tensor n, floats `[batch..., M]`, holds one further score per row, whose value is 0. Without it
  ///   `exp(sink)` is 0.
  /// - `log_sum_exp = true`: a further result `[batch..., M]`, the logarithm of the divisor; -inf for a row without a live pair.
  /// - `relative_log_sum_exp = true`: a further result `[batch..., M]`, that logarithm less the greatest of the live scores and the sink,
  ///   which is as precise where that is large; -inf for a row without a live pair.
  /// - `maximum = true`: a further result `[batch..., M]`, the greatest live score; -inf for a row without a live pair, NaN with a NaN.
  /// - `weight_sum = true`: a further result `[batch..., M]`, the sum over live j of weight; 0 for a row without a live pair. The
  ///   further results are f32 for 16-bit types.
  /// - `shifts = true`: two further results `[batch..., M]`, finite where the scores are: `shift`, the greatest of the live scores and the
  ///   sink, and `log_divisor`, so that a softmax weight is `exp(score - shift - log_divisor)`. Both are 0 for a row without a live pair. They
  ///   are for derivatives, in which `shift` counts as a constant.
  /// - `unrounded = true`: a further result like the first, but f32 for 16-bit types: for derivatives, too.
  /// - `weights = score`: the scores themselves are the weights, without a divisor:
  ///   `r = sum over live j of score * value[b, j, e]`. The region `factor` is then left out: the score has it.
  /// - `ragged = n`: the captured tensor n holds segment offsets over the rows (M is N); only pairs in one segment are live.
  /// - `tile`: a choice of the compiler that does not change the meaning.
  public static let attention = Op(
    "attention", operands: .leading(["query", "key", "value"], rest: "captured"),
    attributes: [
      .optional(.logSumExp), .optional(.maximum), .optional(.ragged), .optional(.relativeLogSumExp), .optional(.shifts),
      .optional(.sink), .optional(.tile), .optional(.unrounded), .optional(.weightSum), .optional(.weights),
    ],
    results: .named([
      .always(.output), .when(.logSumExp) { $0.isSet(.logSumExp) },
      .when(.relativeLogSumExp) { $0.isSet(.relativeLogSumExp) }, .when(.maximum) { $0.isSet(.maximum) },
      .when(.weightSum) { $0.isSet(.weightSum) }, .when(.shift) { $0.isSet(.shifts) }, .when(.logDivisor) { $0.isSet(.shifts) },
      .when(.unrounded) { $0.isSet(.unrounded) },
    ]),
    regions: ["score", "where"], optionalRegions: ["factor"], traits: [.fused, .capturesTables, .scoresPairs],
    infer: { inference in
      try inference.checkTile()
      let (query, value) = (inference.operands[0], inference.operands[2])
      let score = try inference.checkPairs()
      try inference.checkRows(value)
      let (rank, batch) = (query.rank, query.rank - 2)
      let named = inference.describe(inference.operands.prefix(3))
      try inference.expect(value.rank == rank, "got \(named), expected one rank of at least 2")
      for dim in 0..<batch {
        try inference.expect(
          inference.areEqual(query.shape[dim], value.shape[dim]), "got \(named), expected equal extents in dimension \(dim)")
      }
      try inference.expect(
        inference.areEqual(inference.operands[1].shape[batch], value.shape[batch]), "got \(named), expected as many keys as values")
      let rows = Shape(query.shape.extents.dropLast())
      let attributes = inference.attributes
      try inference.checkSink()
      try inference.expect(
        !attributes.weighsByScore
          || inference.regions[0].results.count == 1 && attributes[.sink] == nil && !attributes.isSet(.logSumExp)
            && !attributes.isSet(.relativeLogSumExp) && !attributes.isSet(.maximum) && !attributes.isSet(.shifts),
        "got weights = score with a sink, a logarithm, a maximum or a second score, expected a softmax with these")
      if inference.regions.count > 2 {
        try inference.checkRegion(2, parameters: inference.pairIndices, tables: Array(inference.captured))
        try inference.checkYield(2, of: score)
        try inference.expect(!attributes.weighsByScore, "got weights = score with the region factor, expected it in the score")
      }
      let ofRows = TensorType(score.computed, rows)
      let output = Shape(rows.extents + [value.shape[rank - 1]])
      return inference.inOrder([
        .output: TensorType(score, output), .unrounded: TensorType(score.computed, output), .logSumExp: ofRows,
        .relativeLogSumExp: ofRows, .maximum: ofRows, .weightSum: ofRows, .shift: ofRows, .logDivisor: ofRows,
      ])
    },
    evaluate: { try evaluateAttention($0) },
    cost: { query in
      let (rows, columns) = (query.operands[0].shape, query.operands[1].shape)
      let pairs = rows.extents.dropLast().reduce(Extent(1), *) * columns[columns.rank - 2]
      let perPair = Extent(2) * rows[rows.rank - 1] + Extent(2) * query.results[0].shape[rows.rank - 1]
      let regions = query.regions.reduce(1) { $0 + $1.instructions.count }
      return Cost(flops: pairs * (perPair + Extent(regions)), bytes: query.bytes)
    },
    offsets: { query in
      let rows = query.operands[0].shape
      return query.position(.ragged).map { SegmentOffsets(operand: $0, rows: rows[rows.rank - 2]) }
    },
    decompose: { try decomposeAttention(&$0) },
    derivative: Derivative(
      forward: { try $0.tangentsOfAttention($1) }, reverse: { try $0.cotangentsOfAttention($1) },
      residuals: Differentiation.residualsOfAttention))
}

extension Attributes {
  /// Whether attention's scores are its weights.
  public var weighsByScore: Bool { self[.weights] == .score }
}

private func evaluateAttention(_ evaluation: Evaluation) throws -> [ReferenceArray] {
  let (pairs, value, attributes) = (AttentionPairs(evaluation), evaluation.operands[2].inReals, evaluation.attributes)
  let sinks = evaluation.captured(.sink)?.reals
  let (logSumExp, maximum) = (evaluation.position(of: .logSumExp), evaluation.position(of: .maximum))
  let (relative, weightSum) = (evaluation.position(of: .relativeLogSumExp), evaluation.position(of: .weightSum))
  let (shift, logDivisor) = (evaluation.position(of: .shift), evaluation.position(of: .logDivisor))
  let unrounded = evaluation.position(of: .unrounded)
  let width = value.shape[pairs.batch.count + 1]
  var results = zip(evaluation.resultTypes, evaluation.resultShapes).map { ReferenceArray($0.element, $1) }
  guard results.contains(where: { $0.count > 0 }) else { return results }
  try ReferenceArray.forEachIndex(of: pairs.batch) { outer, number in
    for i in 0..<pairs.rows {
      let live = try pairs.live(outer, number, row: i)
      let row = number * pairs.rows + i
      let scores = live.map(\.score)
      let withSink = scores + (sinks.map { [$0[row]] } ?? [])
      var weights = attributes.weighsByScore ? scores : softmaxWeights(withSink)
      if evaluation.regions.count > 2 {
        for (position, pair) in live.enumerated() { weights[position] *= try pairs.number(2, outer, row: i, key: pair.key) }
      }
      for e in 0..<width {
        var sum = 0.0
        // A live pair whose score is -inf is as dead as others.
        for (pair, weight) in zip(live, weights) where attributes.weighsByScore || pair.score != -.infinity {
          sum += weight * value.reals[(number * pairs.columns + pair.key) * width + e]
        }
        results[0].reals[row * width + e] = sum
        if let unrounded { results[unrounded].reals[row * width + e] = sum }
      }
      if let logSumExp { results[logSumExp].reals[row] = logarithmOfSum(withSink) }
      if let relative { results[relative].reals[row] = relativeLogarithmOfSum(withSink) }
      if let maximum { results[maximum].reals[row] = scores.reduce(-Double.infinity) { $0.isNaN || $0 >= $1 ? $0 : $1 } }
      if let shift, let logDivisor {
        let greatest = withSink.reduce(-Double.infinity) { $0.isNaN || $0 >= $1 ? $0 : $1 }
        results[shift].reals[row] = greatest == -.infinity ? 0 : greatest
        results[logDivisor].reals[row] = greatest == -.infinity ? 0 : relativeLogarithmOfSum(withSink)
      }
      if let weightSum { results[weightSum].reals[row] = zip(live, weights).reduce(0) { $0 + $1.1 } }
    }
  }
  return results
}

/// contract, the regions over index tensors, select, softmax, contract.
private func decomposeAttention(_ context: inout Decomposition) throws -> [ValueID] {
  let pairs = try DecomposedScores(&context)
  let element = context.type(pairs.scores).element
  let batch = pairs.shape.rank - 2
  let (attributes, dim) = (context.attributes, Attribute(.dim, batch + 1))
  let value = try context.widened(context.operands[2], to: element)
  let toSum = DecomposedScores.subscripts(batch, "ij", "je", "ie")
  func results(_ weights: ValueID, _ context: inout Decomposition) throws -> [ResultName: ValueID] {
    var results = [ResultName.output: try context.emit(.contract, weights, value, attributes: toSum)]
    if attributes.isSet(.unrounded) {
      results[.unrounded] = try context.emit(
        .contract, context.widened(weights, to: element.computed), context.widened(value, to: element.computed), attributes: toSum)
    }
    if attributes.isSet(.weightSum) {
      results[.weightSum] = try context.reduce(context.widened(weights, to: element.computed), .add, dim: batch + 1)
    }
    return results
  }
  if attributes.weighsByScore { return try context.inOrder(results(pairs.masked(0, &context), &context)) }
  var (weights, withSink) = try pairs.softmax(&context)
  if context.regions.count > 2 {
    let factors = try DecomposedScores.apply(context.regions[2], leading: [], pairs.tables, pairs.shape, &context)
    let none = try context.constant(0, element)
    let isDead = try pairs.ofDead == nil ? context.emit(.not, pairs.live) : context.emit(.equal, weights, none)
    weights = try context.emit(.select, isDead, none, context.emit(.multiply, weights, factors))
  }
  var results = try results(weights, &context)
  for (key, name, op) in [
    (AttributeKey<Bool>.logSumExp, ResultName.logSumExp, Op.logSumExp),
    (.relativeLogSumExp, .relativeLogSumExp, .relativeLogSumExp),
  ] where attributes.isSet(key) {
    let wide = try context.widened(withSink, to: element.computed)
    results[name] = try context.emit(op, wide, attributes: [dim])
  }
  if attributes.isSet(.shifts) {
    let wide = try context.widened(withSink, to: element.computed)
    let greatest = try context.reduce(wide, .maximum, dim: batch + 1)
    let isEmpty = try context.emit(.equal, greatest, context.constant(-.infinity, element.computed))
    let zero = try context.constant(0, element.computed)
    results[.shift] = try context.emit(.select, isEmpty, zero, greatest)
    results[.logDivisor] = try context.emit(
      .select, isEmpty, zero, context.emit(.relativeLogSumExp, wide, attributes: [dim]))
  }
  if attributes.isSet(.maximum) {
    let scores = try pairs.masked(&context)
    results[.maximum] = try context.reduce(context.widened(scores, to: element.computed), .maximum, dim: batch + 1)
  }
  return context.inOrder(results)
}

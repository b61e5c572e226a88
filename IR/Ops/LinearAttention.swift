import Foundation

extension AttributeKey where Value == CapturedOperand {
  /// The operand that holds the logarithm of each row's decay.
  public static var decay: Self { Self("decay") }
  /// The operand that holds the state before the first row.
  public static var state: Self { Self("state") }
  /// The operand that holds the sum of keys before the first row.
  public static var keySum: Self { Self("key_sum") }
}

extension ResultName {
  /// The state after the last row.
  public static let finalState = Self("final_state")
  /// The sum of keys after the last row.
  public static let finalKeySum = Self("final_key_sum")
}

extension AttributeKey where Value == Bool {
  /// Whether the state after the last row is a result.
  public static var finalState: Self { Self("final_state") }
}

extension Op {
  /// `linear_attention %query, %key, %value, %more... {decay, epsilon, exclusive, final_state, key_sum, ragged, reverse, state}`: causal
  /// attention in which the weight of a pair is the product of query and key itself. It is a recurrence over a state of D x E numbers:
  /// time linear in N.
  ///
  /// query and key are `[batch..., N, D]`, the results of a feature map; value and the result are `[batch..., N, E]`. With the
  /// state S, at first 0, row t is
  /// ```
  /// S_t = exp(decay_t) S_(t-1) + key_t value_t^T        z_t = exp(decay_t) z_(t-1) + key_t
  /// r_t = query_t S_t                                   r_t = query_t S_t / (query_t . z_t + epsilon), where there is an epsilon
  /// ```
  /// (Katharopoulos et al. 2020; with one decay per head: RetNet, Sun et al. 2023; with one per row: Mamba-2, Dao and Gu 2024.)
  /// Where the denominator is 0, so is the row.
  ///
  /// Some attributes name an operand, counted from 0 after value:
  /// - `decay = n`: the logarithm of each row's decay, `[batch..., N]`.
  /// - `state = n` and `key_sum = n`: S and z before the first row, `[batch..., D, E]` and `[batch..., D]`.
  /// - `ragged = n`: offsets of segments of the rows; each segment begins with a state of 0.
  ///
  /// `exclusive = true` leaves each row's own key out of what its query reads: row t reads `exp(decay_t) S_(t-1)`.
  ///
  /// `reverse = true` goes from the last row to the first: pair for pair the weights of queries and keys with their roles exchanged, so
  /// that it is the transpose. The first state stands after the last row, and the final one before the first:
  /// ```
  /// S_t = exp(decay_(t+1)) S_(t+1) + key_t value_t^T        r_t = query_t S_t        final state = exp(decay_0) S_0
  /// ```
  ///
  /// With `final_state` there is a second result, S after the last row, and a third, z, where there is a denominator. For operands
  /// of 16 bits the states are f32; the decay may be.
  public static let linearAttention = Op(
    "linear_attention", operands: .leading(["query", "key", "value"], rest: "operands that attributes name"),
    attributes: [
      .optional(.decay), .optional(.epsilon), .optional(.exclusive), .optional(.finalState), .optional(.keySum),
      .optional(.ragged), .optional(.reverse), .optional(.state),
    ],
    results: .named([
      .always(.output), .when(.finalState) { $0.isSet(.finalState) },
      .when(.finalKeySum) { $0.isSet(.finalState) && $0[.epsilon] != nil },
    ]),
    traits: [.composite],
    infer: { try inferLinearAttention($0) },
    evaluate: { evaluateLinearAttention($0) },
    cost: { query in
      let (rows, value) = (query.operands[0].shape, query.operands[2].shape)
      return Cost(flops: rows.count * value[value.rank - 1] * 4, bytes: query.bytes)
    },
    offsets: { query in
      let rows = query.operands[0].shape
      return query.position(.ragged).map { SegmentOffsets(operand: $0, rows: rows[rows.rank - 2]) }
    },
    decompose: { try decomposeLinearAttention(&$0) },
    derivative: Derivative(
      forward: { try $0.tangentsOfLinearAttention($1) }, reverse: { try $0.cotangentsOfLinearAttention($1) }))
}

private func inferLinearAttention(_ inference: Inference) throws -> [TensorType] {
  let (query, key, value) = (inference.operands[0], inference.operands[1], inference.operands[2])
  let element = try inference.commonElement(inference.operands.prefix(3))
  try inference.expect(element.isFloat, "got operands of type \(element), expected a float type")
  let (rank, named) = (query.rank, inference.describe(inference.operands.prefix(3)))
  try inference.expect(rank >= 2 && value.rank == rank, "got \(named), expected one rank of at least 2")
  try inference.expect(inference.areEqual(query.shape, key.shape), "got \(named), expected queries and keys of one shape")
  let rows = query.shape.extents.dropLast()
  try inference.expect(
    inference.areEqual(Shape(rows), Shape(value.shape.extents.dropLast())), "got \(named), expected as many values as queries")

  let isNormalized = inference.attributes[.epsilon] != nil
  let batch = Array(rows.dropLast())
  let stateType = TensorType(element.computed, Shape(batch + [query.shape[rank - 1], value.shape[rank - 1]]))
  let sumType = TensorType(element.computed, Shape(batch + [query.shape[rank - 1]]))
  var mentioned: Set<CapturedOperand> = []
  func operand(_ key: AttributeKey<CapturedOperand>) throws -> TensorType? {
    guard let operand = inference.attributes[key] else { return nil }
    let isNew = mentioned.insert(operand).inserted
    try inference.expect(
      inference.captured.indices.contains(inference.op.position(operand)) && isNew,
      "got \(key.name) = \(operand.number), expected the number of one of \(inference.captured.count) operands after value, each named once"
    )
    return inference.captured(key)
  }
  func expect(_ type: TensorType, _ role: String, _ expected: TensorType) throws {
    try inference.expect(
      type.element == expected.element && inference.areEqual(type.shape, expected.shape),
      "got the \(role) \(type), expected \(expected)")
  }
  if let decay = try operand(.decay) {
    let isWide = decay.element == element.computed
    try expect(decay, "decay", TensorType(isWide ? element.computed : element, Shape(Array(rows))))
  }
  let (state, keySum) = (try operand(.state), try operand(.keySum))
  if let state { try expect(state, "state", stateType) }
  if let keySum { try expect(keySum, "key_sum", sumType) }
  try inference.expect(
    (keySum != nil) == (state != nil && isNormalized),
    "got \(keySum == nil ? "no key_sum" : "a key_sum"), expected one where there is a state and an epsilon")
  let hasFinalState = inference.attributes.isSet(.finalState)
  if let offsets = try operand(.ragged) {
    try inference.checkOffsets(offsets)
    try inference.expect(state == nil && !hasFinalState, "got ragged and a state, expected one of them: each segment begins at 0")
  }
  try inference.expect(
    mentioned.count == inference.captured.count,
    "got \(inference.captured.count) operands after value, expected \(mentioned.count): those that attributes name")
  return inference.inOrder([.output: TensorType(element, value.shape), .finalState: stateType, .finalKeySum: sumType])
}

private func evaluateLinearAttention(_ evaluation: Evaluation) -> [ReferenceArray] {
  let (query, key, value) = (evaluation.operands[0], evaluation.operands[1], evaluation.operands[2])
  let (decay, firstState, firstSum) = (evaluation.captured(.decay), evaluation.captured(.state), evaluation.captured(.keySum))
  let epsilon = evaluation.attributes[.epsilon]?.real
  let starts = Set(evaluation.captured(.ragged)?.integers ?? [])
  let (isExclusive, isReverse) = (evaluation.attributes.isSet(.exclusive), evaluation.attributes.isSet(.reverse))
  let (finalState, finalKeySum) = (evaluation.position(of: .finalState), evaluation.position(of: .finalKeySum))
  let rank = query.shape.count
  let (rows, depth, width) = (query.shape[rank - 2], query.shape[rank - 1], value.shape[rank - 1])
  let batch = query.shape.dropLast(2).reduce(1, *)
  var results = zip(evaluation.resultTypes, evaluation.resultShapes).map { ReferenceArray($0.element, $1) }
  guard results.contains(where: { $0.count > 0 }) else { return results }
  for b in 0..<batch {
    var state = (0..<depth * width).map { firstState?.reals[b * depth * width + $0] ?? 0 }
    var sum = (0..<depth).map { firstSum?.reals[b * depth + $0] ?? 0 }
    /// What the state is multiplied by between row t - 1 and row t, in either direction.
    func factor(_ t: Int) -> Double {
      starts.contains(Int64(t)) ? 0 : t == rows ? 1 : decay.map { Foundation.exp($0.reals[b * rows + t]) } ?? 1
    }
    // A decay of 0 drops the state, even one of NaN.
    func decayed(_ number: Double, _ factor: Double) -> Double { factor == 0 ? 0 : factor * number }
    for step in 0..<rows {
      let t = isReverse ? rows - 1 - step : step
      let (row, factor) = (b * rows + t, factor(isReverse ? t + 1 : t))
      var denominator = 0.0
      for d in 0..<depth {
        let (q, k) = (query.reals[row * depth + d], key.reals[row * depth + d])
        let sumBefore = decayed(sum[d], factor)
        sum[d] = sumBefore + k
        denominator += q * (isExclusive ? sumBefore : sum[d])
        for e in 0..<width {
          let place = d * width + e
          let before = decayed(state[place], factor)
          state[place] = before + k * value.reals[row * width + e]
          results[0].reals[row * width + e] += q * (isExclusive ? before : state[place])
        }
      }
      guard let epsilon else { continue }
      denominator += epsilon
      for place in row * width..<(row + 1) * width {
        results[0].reals[place] = denominator == 0 ? 0 : results[0].reals[place] / denominator
      }
    }
    if isReverse, rows > 0 {
      let last = factor(0)
      (state, sum) = (state.map { decayed($0, last) }, sum.map { decayed($0, last) })
    }
    if let finalState {
      for (place, number) in state.enumerated() { results[finalState].reals[b * depth * width + place] = number }
    }
    if let finalKeySum { for (place, number) in sum.enumerated() { results[finalKeySum].reals[b * depth + place] = number } }
  }
  return results
}

/// The product of all queries and keys, masked and decayed, times the values: the definition without its recurrence.
private func decomposeLinearAttention(_ context: inout Decomposition) throws -> [ValueID] {
  let type = context.type(context.operands[0])
  let (element, wide, batch) = (type.element, type.element.computed, type.rank - 2)
  let rows = type.shape[batch]
  let operands = try context.operands.map { value in
    let type = context.type(value)
    return type.element.isFloat && type.element != wide
      ? try context.emit(.convert, value, stated: TensorType(wide, type.shape)) : value
  }
  let (query, key, value, attributes) = (operands[0], operands[1], operands[2], context.attributes)
  let (isExclusive, isReverse) = (attributes.isSet(.exclusive), attributes.isSet(.reverse))
  // Widened above.
  func operand(_ key: AttributeKey<CapturedOperand>) -> ValueID? { context.position(key).map { operands[$0] } }
  let letters = (0..<batch).map { Character(Unicode.Scalar(UInt8(65 + $0))) }
  func contract(_ left: ValueID, _ right: ValueID, _ a: String, _ b: String, _ result: String) throws -> ValueID {
    let subscripts = ContractSubscripts(left: letters + a, right: letters + b, result: letters + result)
    return try context.emit(.contract, left, right, attributes: [Attribute(.subscripts, subscripts)])
  }
  let batchDims = Array(0..<batch)
  func repeated(_ value: ValueID, _ shape: Shape, _ dims: [Int]) throws -> ValueID {
    try context.broadcast(value, to: shape, dims: batchDims + dims)
  }

  // The weights of pairs.
  let pairs = Shape(type.shape.extents.dropLast() + [rows])
  var weights = try contract(query, key, "id", "jd", "ij")
  let decay = operand(.decay)
  let decayed = try decay.map {
    try context.emit(.scan, $0, attributes: [Attribute(.dim, batch), Attribute(.kind, .add)])
  }
  if let decayed {
    let (ofRow, ofColumn) = (try repeated(decayed, pairs, [batch]), try repeated(decayed, pairs, [batch + 1]))
    let exponent = try isReverse ? context.emit(.subtract, ofColumn, ofRow) : context.emit(.subtract, ofRow, ofColumn)
    weights = try context.emit(.multiply, weights, context.emit(.exp, exponent))
  }
  // Logarithms of the decays over all rows, and from each row to the last.
  let total = try decay.map { try context.reduce($0, .add, dim: batch) }
  let left = try decay.map {
    try context.emit(.subtract, context.broadcast(total!, to: context.type($0).shape, without: batch), decayed!)
  }
  func index(_ dim: Int) throws -> ValueID {
    try context.emit(.iota, attributes: [Attribute(.dim, dim)], stated: TensorType(.i64, pairs))
  }
  // What the query's index is compared with the key's by.
  let (later, earlier): (Op, Op) = isExclusive ? (.greater, .less) : (.greaterEqual, .lessEqual)
  var live = try context.emit(isReverse ? earlier : later, index(batch), index(batch + 1))
  if let offsets = operand(.ragged) {
    let segments = try context.emit(.segmentIDs, offsets, stated: TensorType(.i32, [rows]))
    let (ofRow, ofColumn) = (
      try context.broadcast(segments, to: pairs, dims: [batch]), try context.broadcast(segments, to: pairs, dims: [batch + 1])
    )
    live = try context.emit(.and, live, context.emit(.equal, ofRow, ofColumn))
  }
  weights = try context.emit(.select, live, weights, context.constant(0, wide))
  var result = try contract(weights, value, "ij", "je", "ie")
  let resultShape = context.type(result).shape
  var denominator = try context.reduce(weights, .add, dim: batch + 1)

  // The first state's part of the result.
  let (state, keySum) = (operand(.state), operand(.keySum))
  let (fromState, toState) = isReverse ? (left, decayed) : (decayed, left)
  func scaled(_ value: ValueID, _ logarithm: ValueID?, _ dims: [Int]) throws -> ValueID {
    guard let logarithm else { return value }
    let factor = try repeated(context.emit(.exp, logarithm), context.type(value).shape, dims)
    return try context.emit(.multiply, value, factor)
  }
  if let state {
    result = try context.emit(.add, result, scaled(contract(query, state, "id", "de", "ie"), fromState, [batch]))
  }
  if let keySum {
    denominator = try context.emit(.add, denominator, scaled(contract(query, keySum, "id", "d", "i"), fromState, [batch]))
  }
  if let epsilon = attributes[.epsilon] {
    denominator = try context.emit(.add, denominator, context.constant(epsilon.real, wide))
    let isEmpty = try context.emit(.equal, denominator, context.constant(0, wide))
    let divisor = try context.emit(.select, isEmpty, context.constant(1, wide), denominator)
    let quotient = try context.emit(.divide, result, repeated(divisor, resultShape, [batch]))
    result = try context.emit(.select, repeated(isEmpty, resultShape, [batch]), context.constant(0, wide), quotient)
  }
  if wide != element { result = try context.emit(.convert, result, stated: TensorType(element, resultShape)) }
  var results = [ResultName.output: result]
  guard attributes.isSet(.finalState) else { return context.inOrder(results) }

  // The state behind all rows.
  let keys = try scaled(key, toState, [batch])
  var finalState = try contract(keys, value, "jd", "je", "de")
  if let state { finalState = try context.emit(.add, finalState, scaled(state, total, [])) }
  results[.finalState] = finalState
  guard context.position(of: .finalKeySum) != nil else { return context.inOrder(results) }
  var finalKeySum = try context.reduce(keys, .add, dim: batch)
  if let keySum { finalKeySum = try context.emit(.add, finalKeySum, scaled(keySum, total, [])) }
  results[.finalKeySum] = finalKeySum
  return context.inOrder(results)
}

import Foundation

extension Op {
  /// `softmax {dim = d}`: `r[i] = exp(x[i] - m) / sum over j of exp(x[j] - m)` along dimension `d`, where `m` is the largest `x[j]`.
  ///
  /// Where all elements are -inf, no pair is live, and the result is 0 rather than NaN.
  ///
  /// An element of weight 0 has the derivative 0: its cotangent adds nothing, even where that is infinite or NaN.
  public static let softmax: Op = Op(
    "softmax", operands: .named(["operand"]), attributes: [.required(.dim)], traits: [.composite],
    infer: { inference in
      let operand = inference.operands[0]
      try inference.expect(operand.element.isFloat, "got \(operand), expected a float type")
      _ = try inference.dimension(rank: operand.rank)
      return [operand]
    },
    evaluate: { evaluation in
      var result = evaluation.operands[0]
      evaluation.operands[0].forEachRow(along: evaluation.attributes.required(.dim)) { positions in
        let weights = softmaxWeights(positions.map { result.reals[$0] })
        for (position, weight) in zip(positions, weights) { result.reals[position] = weight }
      }
      return [result]
    },
    cost: { Cost(flops: $0.results[0].shape.count * 5, bytes: $0.bytes) },
    decompose: { context in
      let (x, type) = (context.operands[0], context.resultTypes[0])
      let dim = context.attributes.required(.dim)
      let largest = try context.reduce(x, .maximum, dim: dim)
      // A largest element of -inf means a row without live elements: its exponentials must be 0, not exp(-inf - -inf).
      let isDead = try context.emit(.equal, largest, context.constant(-.infinity, type.element))
      let shift = try context.broadcast(
        context.emit(.select, isDead, context.constant(0, type.element), largest), to: type.shape, without: dim)
      let weights = try context.emit(.exp, context.emit(.subtract, x, shift))
      let sum = try context.reduce(weights, .add, dim: dim)
      let isEmpty = try context.emit(.equal, sum, context.constant(0, type.element))
      let divisor = try context.broadcast(
        context.emit(.select, isEmpty, context.constant(1, type.element), sum), to: type.shape, without: dim)
      return [try context.emit(.divide, weights, divisor)]
    },
    derivative: Derivative(
      forward: { context, tangents in [try context.weightedDifference(tangents[0]!)] },
      reverse: { context, cotangents in [try context.weightedDifference(cotangents[0]!)] }))
}

/// The softmax of the elements of one row; zeros where all are -inf.
func softmaxWeights(_ elements: [Double]) -> [Double] {
  // A NaN anywhere makes the sum NaN, even where the maximum ignores it.
  let largest = elements.reduce(-Double.infinity) { $1 > $0 ? $1 : $0 }
  let shift = largest == -.infinity ? 0 : largest
  let exponentials = elements.map { Foundation.exp($0 - shift) }
  let sum = exponentials.reduce(0, +)
  return exponentials.map { sum == 0 ? 0 : $0 / sum }
}

extension Differentiation {
  /// The weights r times the difference of `value` and its weighted mean: the matrix of derivatives, `diag r - r r^T`, times `value`. It is
  /// symmetric, so that both directions apply it.
  fileprivate mutating func weightedDifference(_ value: ValueID) throws -> ValueID {
    let (type, dim) = (type(results[0]), attributes.required(.dim))
    let weights = try widened(results[0], to: type.element.computed)
    let isLive = try self.isLive(weights)
    let live = try keeping(widened(value, to: type.element.computed), where: isLive)
    let mean = try broadcast(reduce(emit(.multiply, weights, live), .add, dim: dim), to: type.shape, without: dim)
    return try widened(keeping(emit(.multiply, weights, emit(.subtract, live, mean)), where: isLive), to: type.element)
  }

  /// Whether a weight counts; one that is NaN does.
  mutating func isLive(_ weights: ValueID) throws -> ValueID {
    try emit(.notEqual, weights, constant(0, type(weights).element))
  }
}

import Foundation

extension Op {
  /// `log_sum_exp {dim = d}`: `r = m + log(sum over j of exp(x[j] - m))` along dimension `d`, which is dropped; `m` is the largest `x[j]`.
  ///
  /// The logarithm of what a softmax divides by; -inf where all elements are -inf or there are no elements.
  ///
  /// The derivative is the softmax; an element of weight 0 has the derivative 0, as there.
  public static let logSumExp = Op(
    "log_sum_exp", operands: .named(["operand"]), attributes: [.required(.dim)], traits: [.composite],
    infer: { try $0.sumsOfRows() },
    evaluate: { [$0.logarithms(logarithmOfSum)] },
    cost: { Cost(flops: $0.operands[0].shape.count * 3, bytes: $0.bytes) },
    decompose: { context in
      let (x, element) = (context.operands[0], context.resultTypes[0].element)
      let dim = context.attributes.required(.dim)
      let (sum, shift) = try context.shiftedSum(x, element, dim: dim)
      return [try context.emit(.add, context.emit(.log, sum), shift)]
    },
    derivative: Derivative(
      forward: { context, tangents in [try context.weightedSum(tangents[0]!)] },
      reverse: { context, cotangents in [try context.weighted(cotangents[0]!)] }))
}

extension Inference {
  /// The type of what sums along a dimension, of floats.
  func sumsOfRows() throws -> [TensorType] {
    let operand = operands[0]
    try expect(operand.element.isFloat, "got \(operand), expected a float type")
    let dim = try dimension(rank: operand.rank)
    return [TensorType(operand.element, Shape((0..<operand.rank).filter { $0 != dim }.map { operand.shape[$0] }))]
  }
}

extension Evaluation {
  /// What `logarithm` makes of each row of the operand along the attribute `dim`; -inf where rows have no elements.
  func logarithms(_ logarithm: (_ elements: [Double]) -> Double) -> ReferenceArray {
    let operand = operands[0]
    var result = ReferenceArray(operand.element, resultShapes[0])
    for row in result.reals.indices { result.reals[row] = -.infinity }
    var row = 0
    operand.forEachRow(along: attributes.required(.dim)) { positions in
      result.reals[row] = logarithm(positions.map { operand.reals[$0] })
      row += 1
    }
    return result
  }
}

/// The logarithm of the sum of the exponentials of the elements of one row; -inf where all are -inf.
func logarithmOfSum(_ elements: [Double]) -> Double { shift(of: elements) + relativeLogarithmOfSum(elements) }

/// The logarithm of the sum of the exponentials of the elements of one row less the largest; -inf where all are -inf.
func relativeLogarithmOfSum(_ elements: [Double]) -> Double {
  let shift = shift(of: elements)
  return Foundation.log(elements.reduce(0) { $0 + Foundation.exp($1 - shift) })
}

/// The largest element; 0 where all are -inf.
private func shift(of elements: [Double]) -> Double {
  let largest = elements.reduce(-Double.infinity) { $1 > $0 ? $1 : $0 }
  return largest == -.infinity ? 0 : largest
}

extension Differentiation {
  /// The softmax of the operand, in the computed type.
  private mutating func weights() throws -> ValueID {
    let x = operands[0]
    let wide = try widened(x, to: type(x).element.computed)
    return try emit(.softmax, wide, attributes: [Attribute(.dim, attributes.required(.dim))])
  }

  /// The sum of the tangents of a row, each times its weight.
  mutating func weightedSum(_ tangent: ValueID) throws -> ValueID {
    let weights = try weights()
    let live = try keeping(widened(tangent, to: type(weights).element), where: isLive(weights))
    return try widened(
      reduce(emit(.multiply, weights, live), .add, dim: attributes.required(.dim)), to: type(tangent).element)
  }

  /// The cotangent of a row times the weight of each element.
  mutating func weighted(_ cotangent: ValueID) throws -> ValueID {
    let weights = try weights()
    let spread = try broadcast(
      widened(cotangent, to: type(weights).element), to: type(weights).shape, without: attributes.required(.dim))
    let product = try emit(.multiply, weights, spread)
    return try widened(keeping(product, where: isLive(weights)), to: type(cotangent).element)
  }
}

import Foundation

extension Op {
  /// `log_sum_exp {dim = d}`: `r = m + log(sum over j of exp(x[j] - m))` along dimension `d`, which is dropped; `m` is the largest `x[j]`.
  ///
  /// The logarithm of what a softmax divides by; -inf where all elements are -inf or there are no elements.
  public static let logSumExp = Op(
    "log_sum_exp", operands: .named(["operand"]), attributes: [.required(.dim)], traits: [.composite],
    infer: { inference in
      let operand = inference.operands[0]
      try inference.expect(operand.element.isFloat, "got \(operand), expected a float type")
      let dim = try inference.dimension(rank: operand.rank)
      return [TensorType(operand.element, Shape((0..<operand.rank).filter { $0 != dim }.map { operand.shape[$0] }))]
    },
    evaluate: { evaluation in
      let operand = evaluation.operands[0]
      var result = ReferenceArray(operand.element, evaluation.resultShapes[0])
      for row in result.reals.indices { result.reals[row] = -.infinity }
      var row = 0
      operand.forEachRow(along: evaluation.attributes.required(.dim)) { positions in
        result.reals[row] = logarithmOfSum(positions.map { operand.reals[$0] })
        row += 1
      }
      return [result]
    },
    cost: { Cost(flops: $0.operands[0].shape.count * 3, bytes: $0.bytes) },
    decompose: { context in
      let (x, element) = (context.operands[0], context.resultTypes[0].element)
      let dim = context.attributes.required(.dim)
      let largest = try context.reduce(x, .maximum, dim: dim)
      // A row of -inf is shifted by 0, so that its exponentials are 0 and the logarithm of their sum -inf.
      let isDead = try context.emit(.equal, largest, context.constant(-.infinity, element))
      let shift = try context.emit(.select, isDead, context.constant(0, element), largest)
      let shifted = try context.emit(.subtract, x, context.broadcast(shift, to: context.type(x).shape, without: dim))
      let sum = try context.reduce(context.emit(.exp, shifted), .add, dim: dim)
      return [try context.emit(.add, context.emit(.log, sum), shift)]
    })
}

/// The logarithm of the sum of the exponentials of the elements of one row; -inf where all are -inf.
func logarithmOfSum(_ elements: [Double]) -> Double {
  let largest = elements.reduce(-Double.infinity) { $1 > $0 ? $1 : $0 }
  let shift = largest == -.infinity ? 0 : largest
  return shift + Foundation.log(elements.reduce(0) { $0 + Foundation.exp($1 - shift) })
}

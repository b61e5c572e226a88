import Foundation

extension Op {
  /// `log_sum_exp {dim = d}`: `r = m + log(sum over j of exp(x[j] - m))` along dimension `d`, which is dropped; `m` is the largest `x[j]`.
  ///
  /// The logarithm of what a softmax divides by; -inf where all elements are -inf or there are no elements.
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
    })
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

extension Op {
  /// `relative_log_sum_exp {dim = d}`: `r = log(sum over j of exp(x[j] - m))` along dimension `d`, which is dropped; `m` is the largest
  /// `x[j]`.
  ///
  /// It is `log_sum_exp` less the largest element, and as precise where that is large: beside 1e9 an f32 cannot hold a logarithm. -inf
  /// where all elements are -inf or there are no elements.
  public static let relativeLogSumExp = Op(
    "relative_log_sum_exp", operands: .named(["operand"]), attributes: [.required(.dim)], traits: [.composite],
    infer: { try $0.sumsOfRows() },
    evaluate: { [$0.logarithms(relativeLogarithmOfSum)] },
    cost: { Cost(flops: $0.operands[0].shape.count * 3, bytes: $0.bytes) },
    decompose: { context in
      let dim = context.attributes.required(.dim)
      let (sum, _) = try context.shiftedSum(context.operands[0], context.resultTypes[0].element, dim: dim)
      return [try context.emit(.log, sum)]
    })
}

extension Decomposition {
  /// The sum along a dimension of the exponentials of `x` less the largest element, and that element. A row of -inf is shifted by 0, so
  /// that its exponentials are 0 and the logarithm of their sum -inf.
  mutating func shiftedSum(_ x: ValueID, _ element: ElementType, dim: Int) throws -> (sum: ValueID, shift: ValueID) {
    let largest = try reduce(x, .maximum, dim: dim)
    let isDead = try emit(.equal, largest, constant(-.infinity, element))
    let shift = try emit(.select, isDead, constant(0, element), largest)
    let shifted = try emit(.subtract, x, broadcast(shift, to: type(x).shape, without: dim))
    return (try reduce(emit(.exp, shifted), .add, dim: dim), shift)
  }
}

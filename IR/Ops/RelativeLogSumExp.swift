extension Op {
  /// `relative_log_sum_exp {dim = d}`: `r = log(sum over j of exp(x[j] - m))` along dimension `d`, which is dropped; `m` is the largest
  /// `x[j]`.
  ///
  /// It is `log_sum_exp` less the largest element, and as precise where that is large: beside 1e9 an f32 cannot hold a logarithm. -inf
  /// where all elements are -inf or there are no elements.
  ///
  /// The derivative is the softmax less that of the largest element, which equal ones share; 0 where all are -inf.
  public static let relativeLogSumExp = Op(
    "relative_log_sum_exp", operands: .named(["operand"]), attributes: [.required(.dim)], traits: [.composite],
    infer: { try $0.sumsOfRows() },
    evaluate: { [$0.logarithms(relativeLogarithmOfSum)] },
    cost: { Cost(flops: $0.operands[0].shape.count * 3, bytes: $0.bytes) },
    decompose: { context in
      let dim = context.attributes.required(.dim)
      let (sum, _) = try context.shiftedSum(context.operands[0], context.resultTypes[0].element, dim: dim)
      return [try context.emit(.log, sum)]
    },
    derivative: Derivative(
      forward: { context, tangents in
        let (extremes, dim) = (try context.largest(), context.attributes.required(.dim))
        return [
          try context.emit(
            .subtract, context.weightedSum(tangents[0]!), context.mean(tangents[0]!, extremes, dims: [dim]))
        ]
      },
      reverse: { context, cotangents in
        let (extremes, dim) = (try context.largest(), context.attributes.required(.dim))
        return [
          try context.emit(
            .subtract, context.weighted(cotangents[0]!), context.share(cotangents[0]!, extremes, dims: [dim]))
        ]
      }))
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

extension Differentiation {
  /// The largest elements of each row; none of a row of -inf.
  fileprivate mutating func largest() throws -> Extremes {
    let (x, dim) = (operands[0], attributes.required(.dim))
    let extremes = try extremes(of: x, reduce(x, .maximum, dim: dim), dims: [dim])
    let isLive = try emit(.greater, x, constant(-.infinity, type(x).element))
    return Extremes(isExtreme: try emit(.and, extremes.isExtreme, isLive), count: extremes.count)
  }
}

extension Op {
  /// `reduce {dims = [...], kind = add}`: the elements along `dims` put together; those dimensions are dropped.
  ///
  /// `kind` is `add`, `multiply`, `minimum`, `maximum`, `and` or `or`; no elements give its identity (0, 1, the largest value, the least,
  /// all bits, 0). With a NaN among the elements a minimum or maximum is NaN.
  public static let reduce = Op(
    "reduce", operands: .named(["operand"]), attributes: [.required(.dims), .required(.kind)],
    infer: { inference in
      let (operand, dims) = (inference.operands[0], inference.attributes.required(.dims))
      try inference.expect(
        Set(dims).count == dims.count && dims.allSatisfy { $0 >= 0 && $0 < operand.rank },
        "got dims = \(dims), expected distinct dimensions of \(operand)")
      try inference.checkReduction(of: operand.element)
      return [TensorType(operand.element, Shape((0..<operand.rank).filter { !dims.contains($0) }.map { operand.shape[$0] }))]
    },
    evaluate: { evaluation in
      let (operand, reduction) = (evaluation.operands[0], evaluation.attributes.required(.kind))
      let dims = evaluation.attributes.required(.dims)
      let kept = operand.shape.indices.filter { !dims.contains($0) }
      let identity = reduction.identity(operand.element)
      var result = ReferenceArray.generated(operand.element, evaluation.resultShapes[0]) { _ in identity }
      ReferenceArray.forEachIndex(of: operand.shape) { indices, position in
        let target = result.position(kept.map { indices[$0] })
        result[target] = reduction.combine(result[target], operand[position], operand.element)
      }
      return [result]
    },
    cost: { Cost(flops: $0.operands[0].shape.count, bytes: $0.bytes) },
    derivative: .linear { context, cotangent in
      let shape = context.type(context.operands[0]).shape
      let dims = context.attributes.required(.dims)
      return [try context.broadcast(cotangent, to: shape, dims: (0..<shape.rank).filter { !dims.contains($0) })]
    })
}

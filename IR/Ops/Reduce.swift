extension Op {
  /// `reduce {dims = [...], kind = add}`: the elements along `dims` put together; those dimensions are dropped.
  ///
  /// `kind` is `add`, `multiply`, `minimum`, `maximum`, `and` or `or`; no elements give its identity (0, 1, the largest value, the least,
  /// all bits, 0). With a NaN among the elements a minimum or maximum is NaN.
  ///
  /// The derivative of a minimum or maximum is the mean of those of the elements that equal it; 0 where it is NaN.
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
    derivative: Derivative(
      forward: { context, tangents in
        let (x, dims, tangent) = (context.operands[0], context.attributes.required(.dims), tangents[0]!)
        switch context.attributes.required(.kind) {
        case .multiply:
          let others = try context.productOfOthers(x, dims: dims)
          let wide = try context.widened(tangent, to: context.type(others).element)
          let sum = try context.sum(context.emit(.multiply, wide, others), over: dims)
          return [try context.widened(sum, to: context.type(x).element)]
        case .minimum, .maximum:
          return [try context.mean(tangent, context.extremes(of: x, context.results[0], dims: dims), dims: dims)]
        case .add, .and, .or: return [try context.applyOp(to: [tangent])]
        }
      },
      reverse: { context, cotangents in
        let (x, dims, cotangent) = (context.operands[0], context.attributes.required(.dims), cotangents[0]!)
        let shape = context.type(x).shape
        let kept = (0..<shape.rank).filter { !dims.contains($0) }
        switch context.attributes.required(.kind) {
        case .multiply:
          let others = try context.productOfOthers(x, dims: dims)
          let wide = try context.widened(cotangent, to: context.type(others).element)
          let product = try context.emit(.multiply, context.broadcast(wide, to: shape, dims: kept), others)
          return [try context.widened(product, to: context.type(x).element)]
        case .minimum, .maximum:
          return [try context.share(cotangent, context.extremes(of: x, context.results[0], dims: dims), dims: dims)]
        case .add, .and, .or: return [try context.broadcast(cotangent, to: shape, dims: kept)]
        }
      }))
}

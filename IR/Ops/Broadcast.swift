extension Op {
  /// `broadcast {dims = [...]}`: the operand repeated to the stated type: its dimension `d` becomes dimension `dims[d]` of the result.
  ///
  /// `dims` rises. An operand dimension of extent 1 is repeated as well, so that `r[i] = operand[j]` where `jd` is `i(dims[d])`, or 0
  /// where the operand's extent is 1.
  public static let broadcast = Op(
    "broadcast", operands: .named(["operand"]), attributes: [.required(.dims)], traits: [.typedByResult, .view],
    infer: { inference in
      let (type, operand, dims) = (try inference.statedType(), inference.operands[0], inference.attributes.required(.dims))
      try inference.expect(
        type.element == operand.element, "got the element type \(type.element) for \(operand), expected \(operand.element)")
      try inference.expect(dims.count == operand.rank, "got dims = \(dims) for \(operand), expected \(operand.rank) of them")
      try inference.expect(
        zip(dims, dims.dropFirst()).allSatisfy { $0 < $1 } && dims.allSatisfy { $0 >= 0 && $0 < type.rank },
        "got dims = \(dims), expected rising dimensions of \(type)")
      for (extent, dim) in zip(operand.shape.extents, dims) where extent != 1 {
        try inference.expect(
          inference.areEqual(extent, type.shape[dim]),
          "got the extent \(extent) of \(operand) for dimension \(dim) of \(type), expected \(type.shape[dim]) or 1")
      }
      return [type]
    },
    evaluate: { evaluation in
      let (operand, dims) = (evaluation.operands[0], evaluation.attributes.required(.dims))
      return [
        .generated(evaluation.resultTypes[0].element, evaluation.resultShapes[0]) { indices in
          operand[operand.position(zip(dims, operand.shape).map { $1 == 1 ? 0 : indices[$0] })]
        }
      ]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) },
    derivative: .linear { context, cotangent in
      let (operand, result) = (context.type(context.operands[0]), context.type(cotangent))
      let dims = context.attributes.required(.dims)
      // What is repeated is summed; an extent of 1 was dropped with the sum.
      let kept = zip(dims, operand.shape.extents).filter { $1 != 1 || result.shape[$0] == 1 }.map(\.0)
      let sum = try context.sum(cotangent, over: (0..<result.rank).filter { !kept.contains($0) })
      return [context.type(sum) == operand ? sum : try context.emit(.reshape, sum, stated: operand)]
    })
}

extension Op {
  /// `concatenate {dim = d}`: the operands one after another along dimension `d`.
  public static let concatenate = Op(
    "concatenate", operands: .variadic("operand", minimum: 1), attributes: [.required(.dim)],
    infer: { inference in
      let first = inference.operands[0]
      let dim = try inference.dimension(rank: first.rank)
      var sum = Extent(0)
      for operand in inference.operands {
        try inference.expect(
          operand.element == first.element && operand.rank == first.rank
            && (0..<first.rank).allSatisfy { $0 == dim || inference.areEqual(operand.shape[$0], first.shape[$0]) },
          "got \(inference.describe(inference.operands)), expected types that are equal but in dimension \(dim)")
        sum = sum + operand.shape[dim]
      }
      var extents = first.shape.extents
      extents[dim] = sum
      return [TensorType(first.element, Shape(extents))]
    },
    evaluate: { evaluation in
      let dim = evaluation.attributes.required(.dim)
      var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      var offset = 0
      for operand in evaluation.operands {
        ReferenceArray.forEachIndex(of: operand.shape) { indices, position in
          var indices = indices
          indices[dim] += offset
          result[result.position(indices)] = operand[position]
        }
        offset += operand.shape[dim]
      }
      return [result]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) },
    derivative: .linear { context, cotangent in
      let dim = context.attributes.required(.dim)
      var start = Extent(0)
      return try context.operands.indices.map { number in
        let stop = start + context.type(context.operands[number]).shape[dim]
        defer { start = stop }
        return context.isWanted(number) ? try context.slice(cotangent, dim: dim, start, stop) : nil
      }
    })
}

extension Op {
  /// `scatter_add %base, %indices, %updates {dim = d}`: the base with slices added along dimension `d`, in order.
  ///
  /// For each `k`: `r[a..., indices[k], b...] += updates[a..., k, b...]`. An index outside the base drops its update.
  public static let scatterAdd = Op(
    "scatter_add", operands: .named(["base", "indices", "updates"]), attributes: [.required(.dim)],
    infer: { inference in
      let base = inference.operands[0]
      try inference.expect(base.element != .bool, "got a base of type \(base), expected numbers")
      return try inferScatter(inference)
    },
    evaluate: { evaluation in
      let (indices, updates, dim) = (evaluation.operands[1], evaluation.operands[2], evaluation.attributes.required(.dim))
      var result = evaluation.operands[0]
      ReferenceArray.forEachIndex(of: updates.shape) { at, position in
        let index = indices.integers[at[dim]]
        guard index >= 0, index < Int64(result.shape[dim]) else { return }
        var at = at
        at[dim] = Int(index)
        let target = result.position(at)
        result[target] = Reduction.add.combine(result[target], updates[position], result.element)
      }
      return [result]
    },
    cost: { Cost(flops: $0.operands[2].shape.count, bytes: $0.bytes) },
    derivative: .linear { context, cotangent in
      let (indices, dim) = (context.operands[1], context.attributes.required(.dim))
      return [cotangent, nil, context.isWanted(2) ? try context.gatherOrZero(cotangent, indices, dim: dim) : nil]
    })
}

extension Op {
  /// `pair_scatter %operands... value (%s..., %b..., %i, %j) { ... } where (%b..., %i, %j) { ... } {pairs = [B..., M, N], ...}`: a number of each
  /// live pair of a query and a key, added to the element of a tensor whose indices the region yields. The derivative of a tensor that
  /// attention's scores read is made of this.
  ///
  /// Operands, `products`, `pairs` and the region `where` are those of `pair_sums`. The region `value` yields a number, f32 or f64, and one
  /// i32 or i64 index per dimension of the result: `r[index] = sum over live pairs of value`. A pair with an index outside adds nothing,
  /// nor does a value of 0. Sums are kept in the number's type and rounded once to the element type of the result, which the writer states.
  public static let pairScatter: Op = Op(
    "pair_scatter", operands: .leading([], rest: "row, column and captured tensors"),
    attributes: [.required(.pairs), .optional(.products), .optional(.tile)], regions: ["value", "where"],
    traits: [.fused, .capturesTables, .typedByResult],
    infer: { inference in
      try inference.checkTile()
      _ = try PairOperands(checking: inference)
      let (type, region) = (try inference.statedType(), inference.regions[0])
      try inference.checkYield(0, count: type.rank + 1)
      let types = region.results.map(region.type)
      try inference.expect(
        (types[0] == .f32 || types[0] == .f64) && types.dropFirst().allSatisfy { $0 == .i32 || $0 == .i64 },
        "got yielded values of types \(types.map(\.name).joined(separator: ", ")), expected f32 or f64, then i32 or i64")
      try inference.expect(type.element.isFloat, "got the result type \(type), expected floats")
      return [type]
    },
    evaluate: { evaluation in
      let pairs = EvaluatedPairs(evaluation)
      var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      try pairs.forEachLivePair { pair in
        let indices = pair.yields.dropFirst().map(\.integer)
        guard pair.yields[0].real != 0, zip(indices, result.shape).allSatisfy({ $0 >= 0 && $0 < Int64($1) }) else { return }
        result.reals[result.position(indices.map(Int.init))] += pair.yields[0].real
      }
      return [result]
    },
    cost: { $0.costOfPairOperands },
    decompose: { context in
      let pairs = try DecomposedPairs(&context)
      return [try pairs.scattered(to: context.resultTypes[0], &context)]
    },
    derivative: Derivative(
      forward: { try $0.tangentsOfPairScatter($1) }, reverse: { try $0.cotangentsOfPairScatter($1) }))
}

extension AttributeKey where Value == [Extent] {
  /// The batch dimensions, the queries and the keys of an op on pairs.
  public static var pairs: Self { Self("pairs") }
}

extension AttributeKey where Value == [Int] {
  /// The operands whose rows are multiplied: a row tensor and a column tensor for each product.
  public static var products: Self { Self("products") }
  /// The sums that belong to queries: a weight and the column tensor that it weighs, or -1 for the weight alone.
  public static var rowSums: Self { Self("row_sums") }
  /// The sums that belong to keys: a weight and the row tensor that it weighs, or -1 for the weight alone.
  public static var columnSums: Self { Self("column_sums") }
}

extension Op {
  /// `pair_sums %operands... weights (%s..., %b..., %i, %j) { ... } where (%b..., %i, %j) { ... } {pairs = [B..., M, N], ...}`: sums over pairs
  /// of a query and a key, whose weights are functions of the products of their rows. No M x N matrix is stored. What the derivatives of
  /// attention are made of.
  ///
  /// Operands are row tensors `[batch..., M, W]`, column tensors `[batch..., N, W]` and tensors that regions read; both regions read all of
  /// them by their numbers. For each product the attribute `products` names a row tensor and a column tensor of one width:
  /// ```
  /// s[b, i, j] = sum over d of row[b, i, d] * column[b, j, d]
  /// ```
  /// The region `weights` takes the products and the index of each batch dimension, of the query and of the key, each i32 or i64, and yields
  /// weights of one float type, f32 or f64. `where` says whether the pair is live. The results are, in order:
  /// - `row_sums = [w, n, ...]`: `r[b, i, e] = sum over live j of weight_w * column_n[b, j, e]`, or `r[b, i] = sum over live j of weight_w`
  ///   where n is -1.
  /// - `column_sums = [w, n, ...]`: `r[b, j, e] = sum over live i of weight_w * row_n[b, i, e]`, or `r[b, j]` where n is -1.
  ///
  /// A pair whose weight is 0 adds nothing to a sum, whatever it weighs. Sums are kept in the weights' type and rounded once to the element
  /// type of the result, which the writer states.
  public static let pairSums: Op = Op(
    "pair_sums", operands: .leading([], rest: "row, column and captured tensors"),
    attributes: [
      .optional(.columnSums), .required(.pairs), .optional(.products), .optional(.rowSums), .optional(.tile),
    ], results: .requested, regions: ["weights", "where"], traits: [.fused, .capturesTables, .typedByResult],
    infer: { inference in
      try inference.checkTile()
      let pairs = try PairOperands(checking: inference)
      let weights = inference.regions[0]
      try inference.checkYield(0, count: nil)
      let types = weights.results.map(weights.type)
      try inference.expect(
        types.allSatisfy { $0 == types[0] } && (types[0] == .f32 || types[0] == .f64),
        "got weights of types \(types.map(\.name).joined(separator: ", ")), expected f32 or f64")
      let sums = pairs.sums
      try inference.expect(!sums.isEmpty, "got neither row_sums nor column_sums, expected a sum")
      guard let stated = inference.stated, stated.count == sums.count else {
        throw HeedError("got \(inference.stated?.count ?? 0) result types, expected \(sums.count)")
      }
      return try zip(sums, stated).map { sum, stated in
        try inference.expect(
          weights.results.indices.contains(sum.weight),
          "got weight \(sum.weight) of a sum, expected one of \(weights.results.count)")
        try inference.expect(stated.element.isFloat, "got the result type \(stated), expected floats")
        return TensorType(stated.element, try pairs.shape(of: sum, inference))
      }
    },
    evaluate: { try evaluatePairSums($0) },
    cost: { $0.costOfPairOperands },
    decompose: { context in
      let pairs = try DecomposedPairs(&context)
      return try zip(PairOperands(context.attributes).sums, context.resultTypes).map { sum, type in
        let value = try pairs.sum(sum, &context)
        return try context.widened(value, to: type.element)
      }
    },
    derivative: Derivative(
      forward: { try $0.tangentsOfPairSums($1) }, reverse: { try $0.cotangentsOfPairSums($1) }))
}

private func evaluatePairSums(_ evaluation: Evaluation) throws -> [ReferenceArray] {
  let pairs = EvaluatedPairs(evaluation)
  let sums = PairOperands(evaluation.attributes).sums
  var results = zip(evaluation.resultTypes, evaluation.resultShapes).map { ReferenceArray($0.element, $1) }
  try pairs.forEachLivePair { pair in
    for (number, sum) in sums.enumerated() {
      let weight = pair.yields[sum.weight].real
      guard weight != 0 else { continue }
      let target = pair.position(sum.isOfRow)
      guard let operand = sum.operand else {
        results[number].reals[target] += weight
        continue
      }
      let width = evaluation.operands[operand].shape.last!
      let source = pair.position(!sum.isOfRow)
      for e in 0..<width {
        results[number].reals[target * width + e] += weight * pairs.reals[operand].reals[source * width + e]
      }
    }
  }
  return results
}

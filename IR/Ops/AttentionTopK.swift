extension Op {
  /// `attention_top_k %query, %key, %log_sum_exp, %captured... score (...) { ... } where (...) { ... } {count = K}`: the K greatest of
  /// attention's weights in each row, descending, and their keys (i32); the weights are computed again from scores and never stored.
  ///
  /// Operands, regions, sink and weights are those of `attention_reduce`. Of equal weights the one of the lower key comes first, so that
  /// zeros fill up a row with the lowest keys that are left. There are at least K keys.
  /// The results are `[batch..., M, K]`.
  public static let attentionTopK = Op(
    "attention_top_k", operands: .leading(["query", "key", "log_sum_exp"], rest: "captured"),
    attributes: [.required(.count), .optional(.sink)], results: .named([.always(.values), .always(.indices)]),
    regions: ["score", "where"], traits: [.fused, .capturesTables, .scoresPairs],
    infer: { inference in
      let element = try inference.checkLogSumExp()
      let (rank, count) = (inference.operands[0].rank, inference.attributes.required(.count))
      let keys = inference.operands[1].shape[rank - 2]
      try inference.expect(
        count >= 1 && count <= Swift.min(keys.constant ?? 1024, 1024),
        "got count = \(count), expected one in 1 ... \(keys.constant ?? 1024)")
      let shape = Shape(inference.operands[0].shape.extents.dropLast() + [Extent(count)])
      return inference.inOrder([.values: TensorType(element, shape), .indices: TensorType(.i32, shape)])
    },
    evaluate: { evaluation in
      let (pairs, count) = (AttentionPairs(evaluation), evaluation.attributes.required(.count))
      guard pairs.columns >= count else {
        throw HeedError("attention_top_k: got \(pairs.columns) keys, expected at least count = \(count)")
      }
      var values = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      var keys = ReferenceArray(.i32, values.shape)
      try ReferenceArray.forEachIndex(of: pairs.batch) { outer, number in
        for i in 0..<pairs.rows {
          let row = number * pairs.rows + i
          let weights = try pairs.weights(outer, number, row: i)
          let order = weights.indices.sorted { weights[$0] == weights[$1] ? $0 < $1 : weights[$0] > weights[$1] }
          for (rank, key) in order.prefix(count).enumerated() {
            values.reals[row * count + rank] = weights[key]
            keys.integers[row * count + rank] = Int64(key)
          }
        }
      }
      return evaluation.inOrder([.values: values, .indices: keys])
    },
    cost: { query in
      let (rows, columns) = (query.operands[0].shape, query.operands[1].shape)
      let pairs = rows.extents.dropLast().reduce(Extent(1), *) * columns[columns.rank - 2]
      return Cost(flops: pairs * (Extent(2) * rows[rows.rank - 1] + 4), bytes: query.bytes)
    },
    decompose: { context in
      let weights = try DecomposedScores(&context).weights(&context)
      let count = Attribute(.count, context.attributes.required(.count))
      let node = try context.rewriter.result.append(.topK, [weights], attributes: [count])
      return context.rewriter.result.results(node)
    }, derivative: .ofDecomposition)
}

extension Op {
  /// `segment_matmul %x, %matrices, %offsets`: the rows of each segment times a matrix of its own: `r[t] = x[t] matrices[s]` for
  /// `offsets[s] <= t < offsets[s + 1]`.
  ///
  /// x is `[T, K]`, the matrices are `[B, K, N]`, offsets are B + 1 whole numbers that rise from 0 to T; the result is `[T, N]`. Sums are in
  /// f32 (f64 for f64 operands), as those of `contract`.
  public static let segmentMatmul: Op = Op(
    "segment_matmul", operands: .named(["x", "matrices", "offsets"]),
    infer: { inference in
      let (x, matrices, offsets) = (inference.operands[0], inference.operands[1], inference.operands[2])
      let element = try inference.commonElement([x, matrices])
      try inference.expect(element.isFloat, "got operands of type \(element), expected a float type")
      try inference.expect(
        x.rank == 2 && matrices.rank == 3 && inference.areEqual(x.shape[1], matrices.shape[1]),
        "got \(inference.describe([x, matrices])), expected rows [T, K] and matrices [B, K, N]")
      try inference.checkOffsets(offsets)
      try inference.expect(
        inference.areEqual(offsets.shape[0], matrices.shape[0] + 1),
        "got offsets of type \(offsets) for \(matrices), expected one more than matrices")
      return [TensorType(element, [x.shape[0], matrices.shape[2]])]
    },
    evaluate: { evaluation in
      let (x, matrices, offsets) = (evaluation.operands[0], evaluation.operands[1], evaluation.operands[2].integers)
      var result = ReferenceArray(x.element, evaluation.resultShapes[0])
      let (depth, columns) = (x.shape[1], matrices.shape[2])
      for segment in 0..<matrices.shape[0] {
        for row in Int(offsets[segment])..<Int(offsets[segment + 1]) {
          for column in 0..<columns {
            var sum = 0.0
            for place in 0..<depth {
              sum += x.reals[row * depth + place] * matrices.reals[(segment * depth + place) * columns + column]
            }
            result.reals[row * columns + column] = sum
          }
        }
      }
      return [result]
    },
    cost: { Cost(flops: $0.operands[0].shape.count * $0.operands[1].shape[2] * 2, bytes: $0.bytes) },
    offsets: { SegmentOffsets(operand: 2, rows: $0.operands[0].shape[0]) },
    derivative: .multilinear { context, cotangent in
      let (x, matrices, offsets) = (context.operands[0], context.operands[1], context.operands[2])
      var found: [ValueID?] = [nil, nil, nil]
      if context.isWanted(0) {
        let turned = try context.emit(.transpose, matrices, attributes: [Attribute(.permutation, [0, 2, 1])])
        found[0] = try context.emit(.segmentMatmul, cotangent, turned, offsets)
      }
      if context.isWanted(1) {
        // Each row at its segment's place, zeros at the others, so that one product sums all segments.
        let (rows, count) = (context.type(x).shape[0], context.type(matrices).shape[0])
        let shape = Shape([rows, count, context.type(x).shape[1]])
        let segments = try context.emit(.segmentIDs, offsets, stated: TensorType(.i32, [rows]))
        let isOwn = try context.emit(
          .equal, context.broadcast(segments, to: shape, dims: [0]), context.iota(.i32, shape, dim: 1))
        let apart = try context.keeping(context.broadcast(x, to: shape, dims: [0, 2]), where: isOwn)
        found[1] = try context.emit(
          .contract, apart, cotangent, attributes: [Attribute(.subscripts, try ContractSubscripts("tbk,tn->bkn"))])
      }
      return found
    })
}

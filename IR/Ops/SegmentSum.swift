extension Op {
  /// `segment_sum %x, %offsets`: sums over segments of rows: `r[s, ...] = sum of x[t, ...]` over
  /// `offsets[s] <= t < offsets[s + 1]`.
  ///
  /// x is `[T, ...]`, offsets are B + 1 whole numbers that rise from 0 to T; the result is `[B, ...]`. An empty segment sums to 0.
  public static let segmentSum: Op = Op(
    "segment_sum", operands: .named(["x", "offsets"]), traits: [.composite],
    infer: { [try $0.segmentReductionType()] },
    evaluate: { [$0.segmentReduction(.add)] },
    cost: { Cost(flops: $0.operands[0].shape.count, bytes: $0.bytes) },
    offsets: { SegmentOffsets(operand: 1, rows: $0.operands[0].shape[0]) },
    decompose: { context in
      let (x, offsets, type) = (context.type(context.operands[0]), context.operands[1], context.resultTypes[0])
      let segments = try context.emit(.segmentIDs, offsets, stated: TensorType(.i32, [x.shape[0]]))
      let zeros = try context.broadcast(context.constant(0, type.element), to: type.shape, dims: [])
      return [try context.emit(.scatterAdd, zeros, segments, context.operands[0], attributes: [Attribute(.dim, 0)])]
    },
    derivative: .linear { context, cotangent in
      let rows = context.type(context.operands[0]).shape[0]
      let segments = try context.emit(.segmentIDs, context.operands[1], stated: TensorType(.i32, [rows]))
      return [try context.emit(.gather, cotangent, segments, attributes: [Attribute(.dim, 0)]), nil]
    })
}

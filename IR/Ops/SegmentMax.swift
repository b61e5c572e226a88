extension Op {
  /// `segment_max %x, %offsets`: the greatest element over segments of rows: `r[s, ...] = max of x[t, ...]` over
  /// `offsets[s] <= t < offsets[s + 1]`.
  ///
  /// x is `[T, ...]`, offsets are B + 1 whole numbers that rise from 0 to T; the result is `[B, ...]`. Of an empty segment it is the least
  /// value of the type. NaN is as in `reduce`.
  public static let segmentMax = Op(
    "segment_max", operands: .named(["x", "offsets"]),
    infer: { [try $0.segmentReductionType()] },
    evaluate: { [$0.segmentReduction(.maximum)] },
    cost: { Cost(flops: $0.operands[0].shape.count, bytes: $0.bytes) },
    offsets: { SegmentOffsets(operand: 1, rows: $0.operands[0].shape[0]) })
}

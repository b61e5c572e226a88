extension Op {
  /// `segment_max %x, %offsets`: the greatest element over segments of rows: `r[s, ...] = max of x[t, ...]` over
  /// `offsets[s] <= t < offsets[s + 1]`.
  ///
  /// x is `[T, ...]`, offsets are B + 1 whole numbers that rise from 0 to T; the result is `[B, ...]`. Of an empty segment it is the least
  /// value of the type. NaN is as in `reduce`, and so is the derivative.
  public static let segmentMax: Op = Op(
    "segment_max", operands: .named(["x", "offsets"]),
    infer: { [try $0.segmentReductionType()] },
    evaluate: { [$0.segmentReduction(.maximum)] },
    cost: { Cost(flops: $0.operands[0].shape.count, bytes: $0.bytes) },
    offsets: { SegmentOffsets(operand: 1, rows: $0.operands[0].shape[0]) },
    derivative: Derivative(
      forward: { context, tangents in
        let segments = try context.extremesOfSegments()
        let count = segments.extremes.count
        let tangent = try context.widened(tangents[0]!, to: context.type(count).element)
        let sum = try context.emit(
          .segmentSum, context.keeping(tangent, where: segments.extremes.isExtreme), context.operands[1])
        return [try context.widened(context.emit(.divide, sum, count), to: context.type(tangents[0]!).element)]
      },
      reverse: { context, cotangents in
        let segments = try context.extremesOfSegments()
        let (count, narrow) = (segments.extremes.count, context.type(cotangents[0]!).element)
        let wide = try context.widened(cotangents[0]!, to: context.type(count).element)
        let part = try context.widened(context.emit(.divide, wide, count), to: narrow)
        let spread = try context.emit(.gather, part, segments.numbers, attributes: [Attribute(.dim, 0)])
        return [try context.keeping(spread, where: segments.extremes.isExtreme), nil]
      }))
}

extension Differentiation {
  /// The segment of each row, and the elements that equal the greatest of their segment.
  fileprivate mutating func extremesOfSegments() throws -> (numbers: ValueID, extremes: Extremes) {
    let (x, offsets) = (operands[0], operands[1])
    let numbers = try emit(.segmentIDs, offsets, stated: TensorType(.i32, [type(x).shape[0]]))
    let isExtreme = try emit(.equal, x, emit(.gather, results[0], numbers, attributes: [Attribute(.dim, 0)]))
    let count = try atLeastOne(emit(.segmentSum, ones(isExtreme, like: x), offsets))
    return (numbers, Extremes(isExtreme: isExtreme, count: count))
  }
}

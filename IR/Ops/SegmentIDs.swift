extension Op {
  /// `segment_ids %offsets`: the number of the segment that each row belongs to: `r[t]` is how many of `offsets[1], ..., offsets[B]` are at
  /// most `t`.
  ///
  /// `offsets` are B + 1 whole numbers that rise from 0 to the number of rows T; segment s has the rows `offsets[s] ..< offsets[s + 1]`.
  /// The writer states the result type: integers `[T]`.
  public static let segmentIDs = Op(
    "segment_ids", operands: .named(["offsets"]), traits: [.typedByResult],
    infer: { inference in
      let type = try inference.statedType()
      try inference.expect(type.element.isInteger && type.rank == 1, "got the type \(type), expected integers of rank 1")
      try inference.checkOffsets(inference.operands[0])
      return [type]
    },
    evaluate: { evaluation in
      let ends = evaluation.operands[0].integers.dropFirst()
      let element = evaluation.resultTypes[0].element
      return [
        .generated(element, evaluation.resultShapes[0]) { indices in
          Literal(element.wrap(Int64(ends.count { $0 <= Int64(indices[0]) })))
        }
      ]
    },
    offsets: { SegmentOffsets(operand: 0, rows: $0.results[0].shape[0]) }, derivative: .zero("its operand is integers"))
}

extension Inference {
  /// Checks that `type` can be that of segment offsets: integers of rank 1, not empty.
  func checkOffsets(_ type: TensorType) throws {
    try expect(
      type.element.isInteger && type.rank == 1 && type.shape[0].constant != 0,
      "got offsets of type \(type), expected integers of rank 1, one more than segments")
  }
}

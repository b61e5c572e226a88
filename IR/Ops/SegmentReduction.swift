// What the ops that reduce segments of rows share.

extension Inference {
  /// The type of a reduction of the rows of each segment: operands `x [T, ...]` and offsets.
  func segmentReductionType() throws -> TensorType {
    let (x, offsets) = (operands[0], operands[1])
    try expect(x.rank >= 1 && x.element != .bool, "got \(x), expected numbers of rank 1 or more")
    try checkOffsets(offsets)
    return TensorType(x.element, Shape([offsets.shape[0] - 1] + x.shape.extents.dropFirst()))
  }
}

extension Evaluation {
  /// The rows of each segment put together; of an empty segment, the identity of the reduction.
  func segmentReduction(_ reduction: Reduction) -> ReferenceArray {
    let (x, offsets) = (operands[0], operands[1].integers)
    let rows = Int64(x.shape[0])
    return .generated(x.element, resultShapes[0]) { indices in
      let (from, to) = (max(offsets[indices[0]], 0), min(offsets[indices[0] + 1], rows))
      var total = reduction.identity(x.element)
      for row in from..<max(from, to) {
        total = reduction.combine(total, x[x.position([Int(row)] + indices.dropFirst())], x.element)
      }
      return total
    }
  }
}

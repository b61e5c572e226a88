extension Op {
  /// `top_k {count = K}`: the K largest elements along the last dimension, descending, and their indices (i32).
  ///
  /// Of equal elements the one with the lower index comes first; NaN counts as less than everything. The last dimension has at least
  /// K elements. The derivative is that of the elements where they were.
  public static let topK = Op(
    "top_k", operands: .named(["operand"]), attributes: [.required(.count)],
    results: .named([.always(.values), .always(.indices)]),
    infer: { inference in
      let (operand, count) = (inference.operands[0], inference.attributes.required(.count))
      try inference.expect(operand.rank >= 1 && operand.element != .bool, "got \(operand), expected numbers of rank 1 or more")
      let last = operand.shape[operand.rank - 1]
      try inference.expect(count >= 0 && count <= last.constant ?? Int.max, "got count = \(count), expected one in 0 ... \(last)")
      let shape = Shape(operand.shape.extents.dropLast() + [Extent(count)])
      return inference.inOrder([.values: TensorType(operand.element, shape), .indices: TensorType(.i32, shape)])
    },
    evaluate: { evaluation in
      let (operand, count) = (evaluation.operands[0], evaluation.attributes.required(.count))
      guard operand.shape.last! >= count else {
        throw HeedError("top_k: got a last dimension of extent \(operand.shape.last!), expected at least count = \(count)")
      }
      var values = ReferenceArray(operand.element, evaluation.resultShapes[0])
      var indices = ReferenceArray(.i32, evaluation.resultShapes[0])
      var row = 0
      operand.forEachRow(along: operand.shape.count - 1) { positions in
        func isBefore(_ a: Int, _ b: Int) -> Bool {
          if operand.element.isFloat {
            let (left, right) = (operand.reals[a], operand.reals[b])
            if left.isNaN || right.isNaN { return left.isNaN == right.isNaN ? a < b : right.isNaN }
            return left == right ? a < b : left > right
          }
          let (left, right) = (operand.integers[a], operand.integers[b])
          return left == right ? a < b : left > right
        }
        for (rank, position) in positions.sorted(by: isBefore).prefix(count).enumerated() {
          values[row * count + rank] = operand[position]
          indices.integers[row * count + rank] = Int64(position - positions[0])
        }
        row += 1
      }
      return evaluation.inOrder([.values: values, .indices: indices])
    },
    cost: { Cost(flops: $0.operands[0].shape.count, bytes: $0.bytes) },
    derivative: .ofPickedElements)
}

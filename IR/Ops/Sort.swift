extension AttributeKey where Value == Bool {
  /// Whether a sort puts the largest elements first.
  public static var descending: Self { Self("descending") }
}

extension Op {
  /// `sort {descending = true}`: the elements of each row along the last dimension in order, ascending by default, and their indices
  /// before (i32).
  ///
  /// The order is stable: equal elements keep theirs. NaN comes last in both directions. The derivative is that of the elements
  /// where they were.
  public static let sort = Op(
    "sort", operands: .named(["operand"]), attributes: [.optional(.descending)],
    results: .named([.always(.values), .always(.indices)]),
    infer: { inference in
      let operand = inference.operands[0]
      try inference.expect(operand.rank >= 1 && operand.element != .bool, "got \(operand), expected numbers of rank 1 or more")
      return inference.inOrder([.values: operand, .indices: TensorType(.i32, operand.shape)])
    },
    evaluate: { evaluation in
      let (operand, isDescending) = (evaluation.operands[0], evaluation.attributes.isSet(.descending))
      var values = operand
      var indices = ReferenceArray(.i32, operand.shape)
      operand.forEachRow(along: operand.shape.count - 1) { positions in
        // Ties by position: that is what stable means.
        let sorted = positions.sorted { a, b in operand.isOrdered(a, b, descending: isDescending) ?? (a < b) }
        for (place, position) in zip(positions, sorted) {
          values[place] = operand[position]
          indices.integers[place] = Int64(position - positions[0])
        }
      }
      return evaluation.inOrder([.values: values, .indices: indices])
    },
    cost: { query in
      // A merge sort compares each element once per doubling of the sorted runs: for 2^10 elements, ten times.
      Cost(flops: query.operands[0].shape.count * 10, bytes: query.bytes)
    },
    derivative: .ofPickedElements)
}

extension ReferenceArray {
  /// Whether the element at position `a` comes before that at `b`, NaN last; nil where neither comes first.
  fileprivate func isOrdered(_ a: Int, _ b: Int, descending: Bool) -> Bool? {
    guard element.isFloat else {
      let (left, right) = (integers[a], integers[b])
      return left == right ? nil : (left < right) != descending
    }
    let (left, right) = (reals[a], reals[b])
    if left.isNaN || right.isNaN { return left.isNaN == right.isNaN ? nil : right.isNaN }
    return left == right ? nil : (left < right) != descending
  }
}

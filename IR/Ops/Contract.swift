extension Op {
  /// `contract {subscripts = "bhid,bhjd->bhij"}`: a sum of products, written as in Einstein's convention.
  ///
  /// Each letter names a dimension. A letter in both operands and the result is a batch dimension; one in both operands but not
  /// the result is summed over; one in a single operand is in the result as well. Sums are in double precision in the reference and
  /// in f32 (f64 for f64 operands) in kernels, in an order fixed by shapes and tiles.
  ///
  /// A zero that a mask made adds nothing, even where it meets NaN or an infinity. Kernels keep to that where the contract is fused into
  /// attention; a contract by itself multiplies.
  public static let contract: Op = Op(
    "contract", operands: .named(["left", "right"]), attributes: [.required(.subscripts)],
    infer: { inference in
      let subscripts = inference.attributes.required(.subscripts)
      let element = try inference.commonElement(inference.operands)
      try inference.expect(element.isFloat, "got operands of type \(element), expected a float type")
      var extents: [Character: Extent] = [:]
      for (letters, type) in zip([subscripts.left, subscripts.right], inference.operands) {
        try inference.expect(
          letters.count == type.rank, "got the subscripts \"\(String(letters))\" for \(type), expected \(type.rank)")
        for (letter, extent) in zip(letters, type.shape.extents) {
          if let known = extents[letter] {
            try inference.expect(
              inference.areEqual(known, extent),
              "got the extents \(known) and \(extent) for the subscript \(letter) of \(inference.describe(inference.operands)), expected equal ones"
            )
          } else {
            extents[letter] = extent
          }
        }
      }
      return [TensorType(element, Shape(subscripts.result.map { extents[$0]! }))]
    },
    evaluate: { evaluation in
      let subscripts = evaluation.attributes.required(.subscripts)
      let (left, right) = (evaluation.operands[0], evaluation.operands[1])
      var extents: [Character: Int] = [:]
      for (letter, extent) in zip(subscripts.left + subscripts.right, left.shape + right.shape) { extents[letter] = extent }
      func strides(_ array: ReferenceArray, _ letters: [Character], along order: [Character]) -> [Int] {
        order.map { letter in letters.firstIndex(of: letter).map { array.strides[$0] } ?? 0 }
      }
      var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      guard result.count > 0 else { return [result] }
      let over = subscripts.over
      let overShape = over.map { extents[$0]! }
      let outer = (
        strides(left, subscripts.left, along: subscripts.result), strides(right, subscripts.right, along: subscripts.result)
      )
      let inner = (strides(left, subscripts.left, along: over), strides(right, subscripts.right, along: over))
      var steps: [(Int, Int)] = []
      ReferenceArray.forEachIndex(of: overShape) { indices, _ in
        steps.append((zip(indices, inner.0).reduce(0) { $0 + $1.0 * $1.1 }, zip(indices, inner.1).reduce(0) { $0 + $1.0 * $1.1 }))
      }
      ReferenceArray.forEachIndex(of: result.shape) { indices, position in
        let atLeft = zip(indices, outer.0).reduce(0) { $0 + $1.0 * $1.1 }
        let atRight = zip(indices, outer.1).reduce(0) { $0 + $1.0 * $1.1 }
        var sum = 0.0
        for (a, b) in steps {
          let product = left.reals[atLeft + a] * right.reals[atRight + b]
          if product.isNaN, evaluation.isMaskedZero(0, atLeft + a) || evaluation.isMaskedZero(1, atRight + b) { continue }
          sum += product
        }
        result.reals[position] = sum
      }
      return [result]
    },
    cost: { query in
      let subscripts = query.attributes.required(.subscripts)
      let over = zip(subscripts.left, query.operands[0].shape.extents).filter { subscripts.over.contains($0.0) }.map(\.1)
      return Cost(flops: query.results[0].shape.count * over.reduce(Extent(2), *), bytes: query.bytes)
    },
    derivative: .multilinear { context, cotangent in
      let subscripts = context.attributes.required(.subscripts)
      func product(_ other: Int, _ letters: [Character], _ result: [Character]) throws -> ValueID? {
        guard context.isWanted(1 - other) else { return nil }
        let transposed = ContractSubscripts(left: subscripts.result, right: letters, result: result)
        return try context.emit(.contract, cotangent, context.operands[other], attributes: [Attribute(.subscripts, transposed)])
      }
      return [
        try product(1, subscripts.right, subscripts.left), try product(0, subscripts.left, subscripts.right),
      ]
    })
}

extension Evaluation {
  /// Whether an element of an operand is a zero that a mask made.
  fileprivate func isMaskedZero(_ operand: Int, _ position: Int) -> Bool {
    operand < maskedZeros.count && maskedZeros[operand].map { $0.integers[position] != 0 } ?? false
  }
}

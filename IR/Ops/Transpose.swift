extension AttributeKey where Value == [Int] {
  /// The operand's dimension that each dimension of the result is.
  public static var permutation: Self { Self("permutation") }
}

extension Op {
  /// `transpose {permutation = [...]}`: dimension `d` of the result is dimension `permutation[d]` of the operand.
  public static let transpose: Op = Op(
    "transpose", operands: .named(["operand"]), attributes: [.required(.permutation)], traits: [.view],
    infer: { inference in
      let (operand, permutation) = (inference.operands[0], inference.attributes.required(.permutation))
      try inference.expect(
        permutation.sorted() == Array(0..<operand.rank),
        "got permutation = \(permutation), expected each dimension of \(operand) once")
      return [TensorType(operand.element, Shape(permutation.map { operand.shape[$0] }))]
    },
    evaluate: { evaluation in
      let operand = evaluation.operands[0]
      let strides = evaluation.attributes.required(.permutation).map { operand.strides[$0] }
      return [
        .generated(operand.element, evaluation.resultShapes[0]) { indices in
          operand[zip(indices, strides).reduce(0) { $0 + $1.0 * $1.1 }]
        }
      ]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) },
    derivative: .linear { context, cotangent in
      let permutation = context.attributes.required(.permutation)
      let inverse = permutation.indices.map { permutation.firstIndex(of: $0)! }
      return [try context.emit(.transpose, cotangent, attributes: [Attribute(.permutation, inverse)])]
    })
}

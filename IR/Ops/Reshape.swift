extension Op {
  /// `reshape`: the operand's elements in the same row-major order with other extents, which the writer states.
  public static let reshape: Op = Op(
    "reshape", operands: .named(["operand"]), traits: [.typedByResult, .view],
    infer: { inference in
      let (type, operand) = (try inference.statedType(), inference.operands[0])
      try inference.expect(
        type.element == operand.element, "got the element type \(type.element) for \(operand), expected \(operand.element)")
      try inference.expect(
        inference.areEqual(type.shape.count, operand.shape.count),
        "got \(type) with \(type.shape.count) elements for \(operand), expected \(operand.shape.count)")
      return [type]
    },
    evaluate: { evaluation in
      let (operand, shape) = (evaluation.operands[0], evaluation.resultShapes[0])
      return [
        operand.element.isFloat
          ? ReferenceArray(operand.element, shape, reals: operand.reals)
          : ReferenceArray(operand.element, shape, integers: operand.integers)
      ]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) },
    derivative: .linear { context, cotangent in
      [try context.emit(.reshape, cotangent, stated: context.type(context.operands[0]))]
    })
}

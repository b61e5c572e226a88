extension Op {
  /// `jvp %y..., %x..., %dx... {outputs = n}`: forward mode: for each of the n values y the sum over the x of the derivative of y by x, times
  /// `dx`.
  ///
  /// Each dx has the type of its x, each result that of its y: floats. All else is as in `vjp`.
  public static let jvp = Op(
    "jvp", operands: .variadic("y, x or dx", minimum: 3), attributes: [.required(.outputs)], results: .requested,
    infer: { inference in
      let (outputs, count) = (inference.attributes.required(.outputs), inference.operands.count)
      try inference.expect(
        outputs >= 1 && outputs < count && (count - outputs) % 2 == 0,
        "got outputs = \(outputs) of \(count) operands, expected a y, and as many x as dx")
      try inference.expectFloats()
      let inputs = (count - outputs) / 2
      for position in 0..<inputs {
        let (x, dx) = (inference.operands[outputs + position], inference.operands[outputs + inputs + position])
        try inference.expect(
          x.element == dx.element && inference.areEqual(x.shape, dx.shape),
          "got the tangent \(dx) of a \(x), expected one of its type")
      }
      return Array(inference.operands.prefix(outputs))
    },
    evaluate: { throw $0.isRequest }, cost: { Cost(flops: 0, bytes: $0.bytes) })
}

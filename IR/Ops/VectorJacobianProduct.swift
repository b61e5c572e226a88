extension AttributeKey where Value == Int {
  /// How many values are differentiated: the first operands.
  public static var outputs: Self { Self("outputs") }
}

extension Op {
  /// `vjp %y..., %dy..., %x... {outputs = n}`: reverse mode: for each x the sum over the n values y of `dy` times the derivative of y by x.
  ///
  /// The y are computed from the x by the nodes above; what other nodes make of an x has no part. Each dy has the type of its y, each
  /// result that of its x: floats. An x that no y depends on has zeros.
  ///
  /// It is a request: `expand-derivatives` replaces it by the nodes that compute it. It has no meaning without the nodes above it, so that
  /// nothing else runs it.
  public static let vjp = Op(
    "vjp", operands: .variadic("y, dy or x", minimum: 3), attributes: [.required(.outputs)], results: .requested,
    infer: { inference in
      let (outputs, count) = (inference.attributes.required(.outputs), inference.operands.count)
      try inference.expect(
        outputs >= 1 && 2 * outputs < count, "got outputs = \(outputs) of \(count) operands, expected as many y as dy, and an x")
      try inference.expectFloats()
      for position in 0..<outputs {
        let (y, dy) = (inference.operands[position], inference.operands[outputs + position])
        try inference.expect(
          y.element == dy.element && inference.areEqual(y.shape, dy.shape),
          "got the cotangent \(dy) of a \(y), expected one of its type")
      }
      return Array(inference.operands.dropFirst(2 * outputs))
    },
    evaluate: { throw $0.isRequest }, cost: { Cost(flops: 0, bytes: $0.bytes) })
}

extension Inference {
  func expectFloats() throws {
    for operand in operands { try expect(operand.element.isFloat, "got a \(operand), expected floats") }
  }
}

extension Evaluation {
  /// What running an op throws that stands for nodes which are not there yet.
  var isRequest: HeedError { HeedError("got \(op) in a graph that is being run, expected a graph whose derivatives are expanded") }
}

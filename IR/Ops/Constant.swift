extension AttributeKey where Value == [Literal] {
  /// The elements of a constant in row-major order.
  public static var constantValue: Self { Self("value") }
}

extension Op {
  /// `constant {value = [...]}`: a tensor of numbers written in the graph, in row-major order, of the stated type.
  public static let constant = Op(
    "constant", operands: .named([]), attributes: [.required(.constantValue)], traits: [.typedByResult],
    infer: { inference in
      let type = try inference.statedType()
      let values = inference.attributes.required(.constantValue)
      guard let count = type.shape.count.constant else { throw HeedError("got the type \(type), expected constant extents") }
      try inference.expect(values.count == count, "got \(values.count) values, expected \(count) for \(type)")
      for value in values where value.converted(to: type.element) == nil {
        throw HeedError(
          "got the value \(value.isReal ? "\(value.real)" : "\(value.integer)"), expected one of type \(type.element)")
      }
      return [type]
    },
    evaluate: { evaluation in
      var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      for (position, value) in evaluation.attributes.required(.constantValue).enumerated() {
        result[position] = value.converted(to: result.element)!
      }
      return [result]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) }, derivative: .zero("it has no operands"))
}

extension AttributeKey where Value == [Extent] {
  /// The one extent that a number is equal to.
  public static var extentValue: Self { Self("value") }
}

extension Op {
  /// `extent {value = [S]}`: a scalar number equal to an extent, of the stated type.
  public static let extent = Op(
    "extent", operands: .named([]), attributes: [.required(.extentValue)], traits: [.typedByResult],
    infer: { inference in
      let (type, value) = (try inference.statedType(), inference.attributes.required(.extentValue))
      try inference.expect(type.rank == 0 && type.element != .bool, "got the type \(type), expected a scalar number")
      try inference.expect(value.count == 1, "got \(value.count) extents, expected one")
      return [type]
    },
    evaluate: { evaluation in
      let element = evaluation.resultTypes[0].element
      let value = try evaluation.attributes.required(.extentValue)[0].literal(of: element, evaluation.binding)
      return [.generated(element, []) { _ in value }]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) }, derivative: .zero("it has no operands"))
}

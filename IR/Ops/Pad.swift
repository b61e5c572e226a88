extension AttributeKey where Value == [Extent] {
  /// How many elements are put before the operand's, in each dimension.
  public static var low: Self { Self("low") }
  /// How many elements are put after the operand's, in each dimension.
  public static var high: Self { Self("high") }
}

extension AttributeKey where Value == Literal {
  /// What the elements outside the operand are.
  public static var padValue: Self { Self("value") }
}

extension Op {
  /// `pad {low = [...], high = [...], value = v}`: the operand with `low` elements `v` before it and `high` after it, in each dimension.
  public static let pad = Op(
    "pad", operands: .named(["operand"]),
    attributes: [.required(.low), .required(.high), .required(.padValue)],
    infer: { inference in
      let (operand, value) = (inference.operands[0], inference.attributes.required(.padValue))
      let (low, high) = (inference.attributes.required(.low), inference.attributes.required(.high))
      try inference.expect(
        low.count == operand.rank && high.count == operand.rank,
        "got \(low.count) low and \(high.count) high extents, expected \(operand.rank) of each for \(operand)")
      if let negative = (low + high).first(where: \.isAlwaysNegative) {
        throw HeedError("got the padding \(negative), expected at least 0")
      }
      try inference.expect(
        value.converted(to: operand.element) != nil,
        "got the value \(value.isReal ? "\(value.real)" : "\(value.integer)"), expected one of type \(operand.element)")
      return [TensorType(operand.element, Shape(operand.shape.extents.indices.map { low[$0] + operand.shape[$0] + high[$0] }))]
    },
    evaluate: { evaluation in
      let operand = evaluation.operands[0]
      let value = evaluation.attributes.required(.padValue).converted(to: operand.element)!
      let low = try evaluation.extents(.low)
      if let negative = (low + (try evaluation.extents(.high))).first(where: { $0 < 0 }) {
        throw HeedError("pad: got the padding \(negative), expected at least 0")
      }
      return [
        .generated(operand.element, evaluation.resultShapes[0]) { indices in
          let inner = zip(indices, low).map { $0 - $1 }
          return zip(inner, operand.shape).allSatisfy { $0 >= 0 && $0 < $1 } ? operand[operand.position(inner)] : value
        }
      ]
    },
    cost: { Cost(flops: 0, bytes: $0.bytes) },
    derivative: Derivative(
      forward: { context, tangents in
        let (low, high) = (context.attributes.required(.low), context.attributes.required(.high))
        return [try context.padded(tangents[0]!, low: low, high: high)]
      },
      reverse: { context, cotangents in
        let low = context.attributes.required(.low)
        let stop = zip(low, context.type(context.operands[0]).shape.extents).map { $0 + $1 }
        return [try context.emit(.slice, cotangents[0]!, attributes: [Attribute(.start, low), Attribute(.stop, stop)])]
      }))
}

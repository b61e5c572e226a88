internal import HeedIR

/// Combining values: what `accumulate` does.
extension Emitter {
  /// What leaves any other value as it is.
  func identity(_ reduction: Body.Reduction, _ element: ElementType) -> LLVMValue {
    let literal: Literal
    switch reduction {
    case .add: literal = element.isFloat ? Literal(0.0) : Literal(0)
    case .multiply: literal = element.isFloat ? Literal(1.0) : Literal(1)
    case .minimum: literal = element.isFloat ? Literal(Double.infinity) : Literal(element.integerRange.upperBound)
    case .maximum: literal = element.isFloat ? Literal(-Double.infinity) : Literal(element.integerRange.lowerBound)
    }
    return constant(literal, element)
  }

  func combine(_ reduction: Body.Reduction, _ a: LLVMValue, _ b: LLVMValue, _ element: ElementType) -> LLVMValue {
    switch reduction {
    case .add: element == .bool ? builder.or(a, b) : builder.add(a, b)
    case .multiply: element == .bool ? builder.and(a, b) : builder.multiply(a, b)
    case .minimum: builder.select(compare(a, .less, b, element), a, b)
    case .maximum: builder.select(compare(a, .greater, b, element), a, b)
    }
  }

  /// The lanes of a vector combined pairwise: the upper half with the lower, until one is left.
  func reduce(_ reduction: Body.Reduction, _ vector: LLVMValue, _ element: ElementType) -> LLVMValue {
    var value = vector
    while value.type.laneCount > 1 {
      let half = value.type.laneCount / 2
      let lower = builder.shuffle(value, value.type.poison, Array(0..<half))
      let upper = builder.shuffle(value, value.type.poison, Array(half..<2 * half))
      value = combine(reduction, lower, upper, element)
    }
    return value.type.isVector ? builder.extract(value, lane: 0) : value
  }
}

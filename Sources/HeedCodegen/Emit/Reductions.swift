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

  /// The lanes of a vector combined pairwise: the upper half with the lower, until `count` are left.
  func reduce(_ reduction: Body.Reduction, _ vector: LLVMValue, _ element: ElementType, to count: Int = 1) -> LLVMValue {
    var value = vector
    while value.type.laneCount > count {
      let half = value.type.laneCount / 2
      let lower = builder.shuffle(value, value.type.poison, Array(0..<half))
      let upper = builder.shuffle(value, value.type.poison, Array(half..<2 * half))
      value = combine(reduction, lower, upper, element)
    }
    return value.type.isVector && count == 1 ? builder.extract(value, lane: 0) : value
  }

  /// The lanes of several vectors, each combined into one number: in the order of `reduce`, two vectors in one register where they
  /// have been halved.
  func reduce(_ reduction: Body.Reduction, _ vectors: [LLVMValue], _ element: ElementType) -> [LLVMValue] {
    let count = vectors.count
    guard count > 1, count & (count - 1) == 0, vectors[0].type.laneCount >= count else {
      return vectors.map { reduce(reduction, $0, element) }
    }
    let lanes = vectors[0].type.laneCount
    var parts = vectors
    /// How many lanes each of the numbers to be has in a register.
    var width = lanes
    while width > 1 {
      let half = width / 2
      // The lower and the upper halves of all groups of `width` neighbouring lanes, of one register or of two.
      func lanesOf(upper: Bool, _ registers: Int) -> [Int] {
        stride(from: 0, to: registers * parts[0].type.laneCount, by: width).flatMap { start in
          (0..<half).map { start + $0 + (upper ? half : 0) }
        }
      }
      if parts.count > 1 {
        parts = stride(from: 0, to: parts.count, by: 2).map { position in
          let (a, b) = (parts[position], parts[position + 1])
          return combine(
            reduction, builder.shuffle(a, b, lanesOf(upper: false, 2)), builder.shuffle(a, b, lanesOf(upper: true, 2)), element)
        }
      } else {
        let (a, none) = (parts[0], parts[0].type.poison)
        parts[0] = combine(
          reduction, builder.shuffle(a, none, lanesOf(upper: false, 1)), builder.shuffle(a, none, lanesOf(upper: true, 1)), element)
      }
      width = half
    }
    return (0..<count).map { builder.extract(parts[0], lane: $0) }
  }
}

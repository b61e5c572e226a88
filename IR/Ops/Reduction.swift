/// How `reduce` and `scan` put elements together: the attribute `kind`.
public enum Reduction: String, AttributeWord {
  case add, multiply, minimum, maximum, and, or

  /// The op that puts two elements together.
  public var op: Op {
    switch self {
    case .add: .add
    case .multiply: .multiply
    case .minimum: .minimum
    case .maximum: .maximum
    case .and: .and
    case .or: .or
    }
  }

  /// What no elements make: 0 for add and or, 1 for multiply, all bits for and, the largest value for minimum, the least for maximum.
  public func identity(_ element: ElementType) -> Literal {
    switch self {
    case .add, .or: element.isFloat ? Literal(0.0) : Literal(0)
    case .multiply: element.isFloat ? Literal(1.0) : Literal(1)
    case .minimum: element.isFloat ? Literal(Double.infinity) : Literal(element.integerRange.upperBound)
    case .maximum: element.isFloat ? Literal(-Double.infinity) : Literal(element.integerRange.lowerBound)
    case .and: Literal(element.wrap(-1))
    }
  }

  /// Whether the least or the greatest element is taken: NaN where one of them is.
  public var isExtremum: Bool { self == .minimum || self == .maximum }

  /// The two elements put together, by the definition of `op`; an extremum with a NaN is NaN. A float is not rounded: sums inside one op
  /// are in double precision.
  public func combine(_ left: Literal, _ right: Literal, _ element: ElementType) -> Literal {
    if element.isFloat, isExtremum, let unordered = [left, right].first(where: { $0.real.isNaN }) { return unordered }
    return op.scalar!.applyUnrounded(to: element, result: element) { $0 == 0 ? left : right }
  }
}

extension Inference {
  /// Checks that the reduction `kind` takes elements of this type.
  func checkReduction(of element: ElementType) throws {
    _ = try attributes.required(.kind).op.scalar!.resultElement([element, element], stated: nil)
  }
}

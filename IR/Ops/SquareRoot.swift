extension Op {
  /// `sqrt`: the square root, elementwise, correctly rounded. NaN for negative operands.
  public static let sqrt = elementwise(
    "sqrt", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.squareRoot() }, integer: nil)))
}

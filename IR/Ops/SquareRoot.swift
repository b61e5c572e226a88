extension Op {
  /// `sqrt`: the square root, elementwise, correctly rounded. NaN for negative operands. The derivative at 0 is
  /// infinite.
  public static let sqrt = elementwise(
    "sqrt", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.squareRoot() }, integer: nil)).differentiating { t, _, r in [t * 0.5 / r] })
}

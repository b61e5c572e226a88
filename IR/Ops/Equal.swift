extension Op {
  /// `equal`: `r = left == right`, elementwise, a bool. False where an operand is NaN.
  public static let equal = elementwise(
    "equal", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.comparison(real: { $0 == $1 }, integer: { $0 == $1 }), takesBool: true)
      .differentiating(.zero("a truth value has no slope")))
}

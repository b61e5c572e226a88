extension Op {
  /// `greater_equal`: `r = left >= right`, elementwise, a bool. False where an operand is NaN.
  public static let greaterEqual = elementwise(
    "greater_equal", operands: ["left", "right"],
    ScalarSemantics(.comparison(real: { $0 >= $1 }, integer: { $0 >= $1 }), takesBool: true)
      .differentiating(.zero("a truth value has no slope")))
}

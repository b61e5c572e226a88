extension Op {
  /// `not_equal`: `r = left != right`, elementwise, a bool. True where an operand is NaN.
  public static let notEqual = elementwise(
    "not_equal", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.comparison(real: { $0 != $1 }, integer: { $0 != $1 }), takesBool: true)
      .differentiating(.zero("a truth value has no slope")))
}

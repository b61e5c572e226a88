extension Op {
  /// `less`: `r = left < right`, elementwise, a bool. False where an operand is NaN.
  public static let less = elementwise(
    "less", operands: ["left", "right"],
    ScalarSemantics(.comparison(real: { $0 < $1 }, integer: { $0 < $1 }), takesBool: true)
      .differentiating(.zero("a truth value has no slope")))
}

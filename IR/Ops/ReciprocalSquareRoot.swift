extension Op {
  /// `rsqrt`: `r = 1 / sqrt(operand)`, elementwise. inf for 0.
  public static let rsqrt = elementwise(
    "rsqrt", operands: ["operand"],
    ScalarSemantics(.unary(real: { 1 / $0.squareRoot() }, integer: nil)).expanding { 1 / $0[0].applying(.sqrt) }
      .differentiating { t, x, r in [t * -0.5 * r / x[0]] })
}

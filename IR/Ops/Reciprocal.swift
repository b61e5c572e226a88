extension Op {
  /// `reciprocal`: `r = 1 / operand`, elementwise.
  public static let reciprocal = elementwise(
    "reciprocal", operands: ["operand"],
    ScalarSemantics(.unary(real: { 1 / $0 }, integer: nil)).expanding { 1 / $0[0] }
      .differentiating { t, _, r in [-(t * r * r)] })
}

extension Op {
  /// `negate`: `r = -operand`, elementwise. Integers wrap.
  public static let negate = elementwise(
    "negate", operands: ["operand"],
    ScalarSemantics(.unary(real: { -$0 }, integer: { 0 &- $0 })).differentiating { t, _, _ in [-t] })
}

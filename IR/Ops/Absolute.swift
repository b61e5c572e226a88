extension Op {
  /// `absolute`: `r = |operand|`, elementwise. The least integer stays itself. The derivative at 0 is 0.
  public static let absolute = elementwise(
    "absolute", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.magnitude }, integer: { $0 < 0 ? 0 &- $0 : $0 })).differentiating { t, x, _ in
      [(x[0] == 0).select(t.constant(0.0), (x[0] < 0).select(-t, t))]
    })
}

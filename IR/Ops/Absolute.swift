extension Op {
  /// `absolute`: `r = |operand|`, elementwise. The least integer stays itself.
  public static let absolute = elementwise(
    "absolute", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.magnitude }, integer: { $0 < 0 ? 0 &- $0 : $0 })))
}

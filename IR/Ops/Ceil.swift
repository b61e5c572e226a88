extension Op {
  /// `ceil`: the least whole number not below the operand, elementwise, of floats.
  public static let ceil = elementwise(
    "ceil", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.rounded(.up) }, integer: nil)))
}

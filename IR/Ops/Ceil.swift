extension Op {
  /// `ceil`: the least whole number not below the operand, elementwise, of floats. The derivative is 0, at the jumps too.
  public static let ceil = elementwise(
    "ceil", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.rounded(.up) }, integer: nil)).differentiating(.zero("it is constant between jumps")))
}

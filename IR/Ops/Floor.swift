extension Op {
  /// `floor`: the greatest whole number not above the operand, elementwise, of floats. The derivative is 0, at the jumps too.
  public static let floor = elementwise(
    "floor", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.rounded(.down) }, integer: nil)).differentiating(.zero("it is constant between jumps")))
}

extension Op {
  /// `floor`: the greatest whole number not above the operand, elementwise, of floats.
  public static let floor = elementwise(
    "floor", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.rounded(.down) }, integer: nil)))
}

extension Op {
  /// `stop_gradient`: the operand, elementwise, of any element type; its derivative is 0.
  public static let stopGradient = elementwise(
    "stop_gradient", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0 }, integer: { $0 }), takesBool: true)
      .differentiating(.zero("what it returns counts as a constant")))
}

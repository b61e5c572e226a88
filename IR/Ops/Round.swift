extension Op {
  /// `round`: the nearest whole number, ties to even, elementwise, of floats. The derivative is 0, at the jumps too.
  public static let round = elementwise(
    "round", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.rounded(.toNearestOrEven) }, integer: nil)).differentiating(
      .zero("it is constant between jumps")))
}

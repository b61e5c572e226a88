extension Op {
  /// `round`: the nearest whole number, ties to even, elementwise, of floats.
  public static let round = elementwise(
    "round", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0.rounded(.toNearestOrEven) }, integer: nil)))
}

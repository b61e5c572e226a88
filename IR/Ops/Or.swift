extension Op {
  /// `or`: bitwise or of integers, logical or of bools, elementwise.
  public static let or = elementwise(
    "or", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.binary(real: nil, integer: { $0 | $1 }), takesBool: true))
}

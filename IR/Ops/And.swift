extension Op {
  /// `and`: bitwise and of integers, logical and of bools, elementwise.
  public static let and = elementwise(
    "and", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.binary(real: nil, integer: { $0 & $1 }), takesBool: true))
}

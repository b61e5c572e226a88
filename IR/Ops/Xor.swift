extension Op {
  /// `xor`: bitwise exclusive or of integers, logical exclusive or of bools, elementwise.
  public static let xor = elementwise(
    "xor", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.binary(real: nil, integer: { $0 ^ $1 }), takesBool: true))
}

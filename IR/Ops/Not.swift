extension Op {
  /// `not`: all bits flipped, of integers; the other truth value, of bools; elementwise.
  public static let not = elementwise(
    "not", operands: ["operand"],
    ScalarSemantics(.unary(real: nil, integer: { ~$0 }), takesBool: true))
}

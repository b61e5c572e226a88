extension Op {
  /// `multiply`: elementwise product: `r = left * right`. Integers wrap.
  public static let multiply = elementwise(
    "multiply", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.binary(real: { $0 * $1 }, integer: { $0 &* $1 })).differentiating { t, x, _ in [t * x[1], t * x[0]] })
}

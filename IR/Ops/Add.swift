extension Op {
  /// `add`: elementwise sum: `r = left + right`. Integers wrap.
  public static let add = elementwise(
    "add", operands: ["left", "right"], traits: [.commutative],
    ScalarSemantics(.binary(real: { $0 + $1 }, integer: { $0 &+ $1 })).differentiating { t, _, _ in [t, t] })
}

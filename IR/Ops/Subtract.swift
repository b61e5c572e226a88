extension Op {
  /// `subtract`: elementwise difference: `r = left - right`. Integers wrap.
  public static let subtract = elementwise(
    "subtract", operands: ["left", "right"],
    ScalarSemantics(.binary(real: { $0 - $1 }, integer: { $0 &- $1 })).differentiating { t, _, _ in [t, -t] })
}

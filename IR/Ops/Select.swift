extension Op {
  /// `select`: `r = condition ? left : right`, elementwise. The value that is not chosen has no influence, NaN or not.
  public static let select = elementwise(
    "select", operands: ["condition", "left", "right"],
    ScalarSemantics(.select).differentiating { t, x, _ in [nil, x[0].select(t, t.constant(0.0)), x[0].select(t.constant(0.0), t)] })
}

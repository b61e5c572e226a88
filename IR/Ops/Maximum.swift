extension Op {
  /// `maximum`: `r = left > right ? left : right`, elementwise. Where an operand is NaN, the right one.
  public static let maximum = elementwise(
    "maximum", operands: ["left", "right"],
    ScalarSemantics(.binary(real: { $0 > $1 ? $0 : $1 }, integer: { $0 > $1 ? $0 : $1 })))
}

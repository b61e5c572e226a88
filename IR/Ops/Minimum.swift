extension Op {
  /// `minimum`: `r = left < right ? left : right`, elementwise. Where an operand is NaN, the right one.
  public static let minimum = elementwise(
    "minimum", operands: ["left", "right"],
    ScalarSemantics(.binary(real: { $0 < $1 ? $0 : $1 }, integer: { $0 < $1 ? $0 : $1 })))
}

extension Op {
  /// `minimum`: `r = left < right ? left : right`, elementwise. Where an operand is NaN, the right one.
  ///
  /// The derivative is that of the operand that is returned: of equal ones, of the right one.
  public static let minimum = elementwise(
    "minimum", operands: ["left", "right"],
    ScalarSemantics(.binary(real: { $0 < $1 ? $0 : $1 }, integer: { $0 < $1 ? $0 : $1 })).differentiating { t, x, _ in
      let (isLeft, zero) = (x[0].applying(.less, x[1]), t.constant(0.0))
      return [isLeft.select(t, zero), isLeft.select(zero, t)]
    })
}

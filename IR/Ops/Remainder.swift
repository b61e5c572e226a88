extension Op {
  /// `remainder`: what `left` leaves when divided by `right` with the quotient rounded to minus infinity, elementwise.
  ///
  /// It has the sign of the divisor: `r = left - right * floor(left / right)`. For a divisor of 0 it is 0, or NaN for floats. The
  /// derivative is that between jumps: 1, and `-floor(left / right)`.
  public static let remainder = elementwise(
    "remainder", operands: ["left", "right"],
    ScalarSemantics(
      .binary(
        real: { left, right in
          let rest = left.truncatingRemainder(dividingBy: right)
          return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
        },
        integer: { left, right in
          guard right != 0, right != -1 else { return 0 }
          let rest = left % right
          return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
        })
    ).differentiating { t, x, r in [t, -(t * ((x[0] - r) / x[1]).applying(.round))] })
}

extension Op {
  /// `divide`: `r = left / right`, elementwise.
  ///
  /// The quotient of integers is rounded to minus infinity; where the divisor is 0 it is 0. The least integer divided by -1 wraps.
  public static let divide = elementwise(
    "divide", operands: ["left", "right"],
    ScalarSemantics(
      .binary(
        real: { $0 / $1 },
        integer: { left, right in
          guard right != 0 else { return 0 }
          let (quotient, overflow) = left.dividedReportingOverflow(by: right)
          guard !overflow else { return left }
          return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient
        })
    ).differentiating { t, x, r in
      let part = t / x[1]
      return [part, -(part * r)]
    })
}

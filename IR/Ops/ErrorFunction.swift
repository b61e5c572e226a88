import Foundation

extension Op {
  /// `erf`: the error function `2/sqrt(pi) * integral from 0 to operand of exp(-t^2) dt`, elementwise.
  public static let erf: Op = elementwise(
    "erf", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.erf($0) }, integer: nil)).expanding { $0[0].erf() }
      .differentiating { t, x, _ in
        // Where the exponential vanishes anyway, so that an infinity is not squared.
        let bounded = x[0].heldWithin(40)
        return [t * (-(bounded * bounded)).applying(.exp) * (2 / Double.pi.squareRoot())]
      })
}

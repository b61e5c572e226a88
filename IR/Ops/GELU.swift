import Foundation

extension Op {
  /// `gelu`: `r = x/2 * (1 + erf(x / sqrt(2)))`, elementwise: the exact form. NaN or the limit 0 for -inf.
  public static let gelu: Op = elementwise(
    "gelu", operands: ["operand"],
    ScalarSemantics(.unary(real: { 0.5 * $0 * Foundation.erfc(-$0 * 0.5.squareRoot()) }, integer: nil)).expanding { $0[0].gelu() }
      .differentiating { t, x, r in
        // P(x) + x p(x), where P is the normal distribution and p its density. Both are 0 or 1 in any type beyond the bound.
        let bounded = x[0].heldWithin(40)
        let exponent = bounded * bounded * -0.5
        let density = exponent.applying(.exp) * 0.3989422804014327
        // Far to the left 1 + erf has no digits, but the op itself is x P(x).
        let isTail = (x[0] < -1) & (x[0] > -30)
        let ratio = r / isTail.select(x[0], x[0].constant(1.0))
        let middle = (bounded * 0.5.squareRoot()).applying(.erf) * 0.5 + 0.5
        return [t * (isTail.select(ratio, middle) + bounded * density)]
      })
}

import Foundation

extension Op {
  /// `gelu`: `r = x/2 * (1 + erf(x / sqrt(2)))`, elementwise: the exact form. NaN or the limit 0 for -inf.
  public static let gelu: Op = elementwise(
    "gelu", operands: ["operand"],
    ScalarSemantics(.unary(real: { 0.5 * $0 * Foundation.erfc(-$0 * 0.5.squareRoot()) }, integer: nil)).expanding { $0[0].gelu() }
      .differentiating { t, x, r in
        // P(x) + x p(x), where P is the normal distribution and p its density. Both are 0 or 1 in any type beyond the bound.
        let (size, bounded) = (x[0].magnitude, x[0].heldWithin(40))
        let exponent = bounded * bounded * -0.5
        let density = exponent.applying(.exp) * 0.3989422804014327
        // The op itself is x P(x), which has all digits but near 0.
        let (isMiddle, isFar) = (size < 1, size > 30)
        let ratio = r / (isMiddle | isFar).select(x[0].constant(1.0), x[0])
        let scaled = x[0].heldWithin(1) * 0.5.squareRoot()
        // Steps of a polynomial would be rounded one by one where an element has 16 bits.
        let isWide = x[0].element == x[0].element.computed
        let middle = (isWide ? scaled.erfNearZero() : scaled.applying(.erf)) * 0.5 + 0.5
        let distribution = isMiddle.select(middle, isFar.select(x[0].atLeast(0).atMost(1), ratio))
        return [t * (distribution + bounded * density)]
      })
}

import Foundation

extension Op {
  /// `gelu`: `r = x/2 * (1 + erf(x / sqrt(2)))`, elementwise: the exact form. NaN or the limit 0 for -inf.
  public static let gelu: Op = elementwise(
    "gelu", operands: ["operand"],
    ScalarSemantics(.unary(real: { 0.5 * $0 * Foundation.erfc(-$0 * 0.5.squareRoot()) }, integer: nil)).expanding { $0[0].gelu() }
      .differentiating { t, x, r in
        // P(x) + x p(x), where P is the normal distribution and p its density. Beyond the bound they are 0 or 1 in the type.
        let bounded = x[0].heldWithin(x[0].element == .f32 ? 16 : 40)
        // exp(-x^2/2) / sqrt(2 pi), as a power of 2: the numbers are -1 / (2 ln 2) and 1 / sqrt(2 pi).
        let exponent = bounded * bounded * -0.7213475204444817
        let density = exponent.applying(.exp2) * 0.3989422804014327
        return [t * (bounded * density + distribution(x[0], bounded, r))]
      })
}

/// The normal distribution at `x`, given `gelu` there.
private func distribution(_ x: ScalarExpression, _ bounded: ScalarExpression, _ gelu: ScalarExpression) -> ScalarExpression {
  if x.element == .f32 { return bounded.normalDistribution() }
  // gelu is x P(x), which has all digits but near 0.
  let (size, isFar) = (x.magnitude, x.magnitude > 30)
  let ratio = gelu / ((size < 1) | isFar).select(x.constant(1.0), x)
  let scaled = x.heldWithin(1) * 0.5.squareRoot()
  // Steps of a polynomial would be rounded one by one where an element has 16 bits.
  let middle = (x.element == .f64 ? scaled.erfNearZero() : scaled.applying(.erf)) * 0.5 + 0.5
  return (size < 1).select(middle, isFar.select(x.atLeast(0).atMost(1), ratio))
}

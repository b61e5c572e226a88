import Foundation

extension Op {
  /// `power`: `r = left ^ right`, elementwise, of floats. As in C: NaN for a negative base with a fractional exponent.
  ///
  /// The derivative by the exponent is 0 for a base of 0, unless the exponent is negative; so is that by the base for the exponent 0. By the
  /// exponent it is NaN for a negative base.
  public static let power: Op = elementwise(
    "power", operands: ["left", "right"],
    ScalarSemantics(.binary(real: { Foundation.pow($0, $1) }, integer: nil)).expanding { $0[0].power($0[1]) }
      .differentiating { t, x, r in
        let (base, exponent) = (x[0], x[1])
        let isZero = base == 0
        let lower = (isZero & (exponent == 0)).select(exponent, exponent - 1)
        let logarithm = (isZero & !(exponent < 0)).select(base.constant(1.0), base).applying(.log)
        return [t * exponent * base.applying(.power, lower), t * r * logarithm]
      })
}

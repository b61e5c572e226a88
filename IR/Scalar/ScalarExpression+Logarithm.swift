extension ScalarExpression {
  /// The natural logarithm. f32: within 2 ulp; f64: within 1e-15, relative. -inf for 0, NaN below, inf for inf.
  package func log() -> Self {
    let (exponent, m) = splitNearOne()
    let (high, low) = element == .f32 ? (0x1.63p-1, -2.12194440e-4) : (0x1.62e4p-1, 1.42860682030941723212e-6)
    let (f, halfSquare, rest) = m.logParts()
    // exponent * ln 2 + f - (halfSquare - rest), the small parts first.
    let small = exponent.multiplied(by: low, adding: rest) - halfSquare + f
    return exponent.multiplied(by: high, adding: small).withLogarithmicEdges(of: self)
  }

  /// The logarithm to base 2. f32: within 4 ulp; f64: within 1e-15, relative. -inf for 0, NaN below, inf for inf.
  package func log2() -> Self {
    let (exponent, m) = splitNearOne()
    let (f, halfSquare, rest) = m.logParts()
    return (rest - halfSquare + f).multiplied(by: .log2e, adding: exponent).withLogarithmicEdges(of: self)
  }

  /// `self` to the power of `exponent`, as C's `pow`. f32: within 1 ulp; f64: within 1e-13, relative.
  package func power(_ exponent: Self) -> Self {
    // The logarithm is multiplied by up to 2^7, which f32 cannot afford.
    if element == .f32 { return converted(to: .f64).power(exponent.converted(to: .f64)).converted(to: .f32) }
    let (x, y, one) = (self, exponent, constant(1.0))
    let size = x.magnitude
    let isInteger = y == y.applying(.floor)
    let half = y * 0.5
    let isOdd = isInteger & !(half == half.applying(.floor))
    let power = (y * size.log2()).exp2()
    // 1^y, x^0 and (-1)^inf are 1 for any other operand.
    let isOne = (x == 1) | (y == 0) | ((size == 1) & (y.magnitude == .infinity))
    let isNegative = x.bitcast(to: .i64)
    let signed = (isNegative.applying(.less, isNegative.constant(0 as Int64)) & isOdd).select(-power, power)
    let hasNoPower = (x < 0) & !(x == -.infinity) & !isInteger
    return isOne.select(one, hasNoPower.select(constant(.nan), signed))
  }

  /// The exponent e and the factor m in sqrt(1/2) ..< sqrt(2) with `self = m * 2^e`, for a positive number.
  private func splitNearOne() -> (exponent: Self, factor: Self) {
    let isSingle = element == .f32
    let tiny = isSingle ? Double(Float.leastNormalMagnitude) : Double.leastNormalMagnitude
    let (mantissaBits, integer): (Int64, ElementType) = isSingle ? (23, .i32) : (52, .i64)
    let root = isSingle ? Int64(Float(0.5).squareRoot().bitPattern) : Int64(0.5.squareRoot().bitPattern)
    // A subnormal number is scaled into the normal ones.
    let isTiny = self < tiny
    let lift = isSingle ? 25.0 : 54.0
    let scaled = isTiny.select(self * (isSingle ? 0x1p25 : 0x1p54), self)
    let bits = scaled.bitcast(to: integer)
    let offset = bits - bits.constant(root)
    let exponent = offset.applying(.shiftRight, offset.constant(mantissaBits)).converted(to: element)
    let mantissa = offset & offset.constant((1 << mantissaBits) - 1)
    let factor = (mantissa + mantissa.constant(root)).bitcast(to: element)
    return (exponent - isTiny.select(constant(lift), constant(0.0)), factor)
  }

  /// For m near 1, f = m - 1 and two parts with `log m = f - halfSquare + rest`: with s = f/(2 + f), the series
  /// `log m = 2 (s + s^3/3 + s^5/5 + ...)` and `2s = f - f^2/2 + s f^2/2`.
  private func logParts() -> (f: Self, halfSquare: Self, rest: Self) {
    let f = self - 1
    let s = f / (f + 2)
    let z = s * s
    let halfSquare = f * f * 0.5
    // z is below 0.03, so that each term gains 1.5 decimal places.
    let series = z * z.polynomial((1...(element == .f32 ? 4 : 11)).map { 2 / Double(2 * $0 + 1) })
    return (f, halfSquare, s * (halfSquare + series))
  }

  private func withLogarithmicEdges(of x: Self) -> Self {
    let edge = (x == 0).select(constant(-.infinity), constant(.nan))
    return (x == .infinity).select(x, (x > 0).select(self, edge))
  }
}

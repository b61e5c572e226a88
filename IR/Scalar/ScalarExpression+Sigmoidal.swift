extension ScalarExpression {
  /// `1 / (1 + exp(-x))`. f32: within 4 ulp above x = -87; f64: within 1e-15, relative.
  package func sigmoid() -> Self { 1 / ((-self).exp() + 1) }

  /// `x / (1 + exp(-x))`. f32: within 4 ulp above x = -87; f64: within 1e-15, relative. NaN for -inf.
  package func silu() -> Self { self / ((-self).exp() + 1) }

  /// The hyperbolic tangent. f32: within 3 ulp; f64: within 1e-15, relative.
  package func tanh() -> Self {
    let size = magnitude
    let square = self * self
    let coefficients = element == .f32 ? tanhCoefficients32 : tanhCoefficients64
    let small = (self * square).multiplied(by: square.polynomial(coefficients), adding: self)
    let large = 1 - constant(2.0) / ((size * 2).exp() + 1)
    return (size < 0.6).select(small, (self < 0).select(-large, large))
  }

  /// The error function. f32: within 3 ulp; f64: within 1e-15, absolute.
  package func erf() -> Self {
    let isSingle = element == .f32
    let small = erfNearZero()
    // 1 - erfc, whose logarithm is nearly a parabola.
    let size = magnitude.atMost(isSingle ? 4 : 6)
    let exponent =
      isSingle ? size.polynomial(erfcExponent32) : ((size - 3.45) * (1 / 2.6)).polynomial(erfcExponent64)
    let large = 1 - exponent.exp2(isBounded: true)
    return (magnitude < 0.85).select(small, (self < 0).select(-large, large))
  }

  /// The error function of what is at most 0.85 from 0: a polynomial.
  package func erfNearZero() -> Self {
    self * (self * self).polynomial(element == .f32 ? erfCoefficients32 : erfCoefficients64)
  }

  /// `x/2 * (1 + erf(x/sqrt(2)))`. f32: within 2e-7 of the larger of 1 and |x|, 0 for -inf; f64: within 1e-15 so, NaN for -inf.
  package func gelu() -> Self {
    guard element == .f32 else { return self * 0.5 * ((self * 0.5.squareRoot()).erf() + 1) }
    // max(x, 0) - |x| h, where h is the distribution at -|x|.
    let size = magnitude.atMost(16)
    return (-size).multiplied(by: size.normalTail(), adding: atLeast(0))
  }

  /// The distribution function of the standard normal distribution at -x, `erfc(x/sqrt(2))/2`, for x from 0 to 16, in f32: its logarithm
  /// is nearly a parabola. It vanishes long before 16.
  private func normalTail() -> Self { polynomial(geluExponent32).applying(.exp2) }

  /// The distribution function of the standard normal distribution, `(1 + erf(x/sqrt(2)))/2`, for |x| up to 16, in f32: within 2e-7.
  package func normalDistribution() -> Self {
    let tail = magnitude.normalTail()
    return (self < 0).select(tail, 1 - tail)
  }

  /// `x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`, which is `x / (1 + exp(-2 sqrt(2/pi) (x + 0.044715 x^3)))`. f32: within 2e-7 of
  /// the larger of 1 and |x|; f64: within 1e-15 so. NaN for -inf.
  package func geluTanh() -> Self {
    let factor = -2 * (2 / Double.pi).squareRoot()
    let exponent = self * (self * self).multiplied(by: factor * 0.044715, adding: constant(factor))
    return self / (exponent.exp() + 1)
  }
}

// (tanh x - x)/x^3 in x^2, for |x| <= 0.6.
private let tanhCoefficients32 = [-0.333333001, 0.133319777, -0.0537881363, 0.0208098175, -0.0059106296]
private let tanhCoefficients64 = [
  -0.3333333333333316, 0.1333333333330354, -0.0539682539509162, 0.021869488037238028, -0.008863227212373733, 0.003592040797362094,
  -0.0014552326890226587, 0.0005872450199746596, -0.0002305120035757004, 7.944670475173727e-05, -1.7244915253547782e-05,
]
// erf(x)/x in x^2, for |x| <= 0.9.
private let erfCoefficients32 = [1.12837916, -0.376125324, 0.1128223, -0.0267819579, 0.00501622999, -0.000611130094]
private let erfCoefficients64 = [
  1.1283791670955126, -0.3761263890318373, 0.1128379167095382, -0.026866170644828807, 0.005223977621820518,
  -0.0008548326767355594, 0.00012055321486240305, -1.4925309928560508e-05, 1.6455364201184609e-06, -1.627685285669967e-07,
  1.4053178130511989e-08, -8.497804483476097e-10,
]
// log2(erfc(x)), for 0.85 <= x <= 4; for f64 in (x - 3.45)/2.6, up to 6.
private let erfcExponent32 = [
  -0.000318829995, -1.6266654, -0.919787033, -0.149333462, 0.0316944567, -0.00427480894, 0.000268360421,
]
private let erfcExponent64 = [
  -19.839291037066314, -26.892710100347983, -9.420599496219277, -0.13703174199903476, 0.060089324148557194,
  -0.02653862329095875, 0.01149320448960364, -0.004786406424461421, 0.0018810347028197928, -0.0006651477435876736,
  0.0001971665126374298, -6.091580580340705e-05, -1.9103173792405953e-05, 3.660667454794695e-05, 2.7765602512759078e-05,
  1.0093429033213144e-05, -3.268904254421605e-05, -2.0105775925441928e-05, 3.024960840813017e-06, 9.520576430359508e-06,
  3.2035038107248234e-06,
]
// log2(erfc(x/sqrt(2))/2), for 0 <= x <= 5.7; falls on beyond.
private let geluExponent32 = [
  -0.999999878, -1.15111178, -0.459148359, -0.0526951427, 0.00737294318, -0.00038602903, -8.02498757e-5, 1.69577285e-5,
  -9.87285253e-7,
]

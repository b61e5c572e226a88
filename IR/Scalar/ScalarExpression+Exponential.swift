/// What the exponentials need to know of a float type.
private struct ExponentFormat {
  /// The integer type of the same size.
  let bits: ElementType
  let mantissaBits: Int64
  /// 1.5 * 2^mantissaBits. Floats near it are 1 apart, so that adding it rounds to a whole number n, which is then in the low bits.
  /// It includes the exponent's bias, less 1, so that those bits shifted up are the float 2^(n - 1).
  let rounder: Double
  /// The least exponent: below, the power is 0.
  let least: Double

  init(_ element: ElementType) {
    switch element {
    case .f32: (bits, mantissaBits, rounder, least) = (.i32, 23, 0x1.8p23 + 126, -126)
    case .f64: (bits, mantissaBits, rounder, least) = (.i64, 52, 0x1.8p52 + 1022, -1022)
    default: preconditionFailure("exponentials of \(element)")
    }
  }
}

extension ScalarExpression {
  /// 2 to the power of the expression. f32: within 2 ulp, 12 operations; f64: within 1e-15, relative.
  ///
  /// 0 where the power is below 2^-125.5 (f64: 2^-1021.5); inf for inf; NaN for NaN; exact for whole exponents.
  ///
  /// - Parameter isBounded: true where the expression is known to be below 127: spares an operation.
  package func exp2(isBounded: Bool = false) -> Self {
    let format = ExponentFormat(element)
    let low = atLeast(format.least)
    let x = isBounded ? low : low.atMost(2.25 - format.least)
    let shifted = x + format.rounder
    let fraction = x - (shifted - format.rounder)
    return fraction.polynomial(element == .f32 ? exp2Coefficients32 : exp2Coefficients64).scaled(byExponentIn: shifted, format)
  }

  /// e to the power of the expression. f32: within 2 ulp; f64: within 1e-15, relative. 0 below about e^-87 (f64: e^-708).
  package func exp() -> Self {
    let format = ExponentFormat(element)
    // ln 2 in two parts, the first short enough for exact products with exponents.
    let (high, low) = element == .f32 ? (0x1.63p-1, -2.12194440e-4) : (0x1.62e4p-1, 1.42860682030941723212e-6)
    let x = element == .f32 ? atLeast(-87.5).atMost(89) : atLeast(-708.5).atMost(709.9)
    let shifted = x.multiplied(by: .log2e, adding: constant(format.rounder))
    let exponent = shifted - format.rounder
    let fraction = exponent.multiplied(by: -low, adding: exponent.multiplied(by: -high, adding: x))
    return fraction.polynomial(element == .f32 ? expCoefficients32 : expCoefficients64).scaled(byExponentIn: shifted, format)
  }

  /// This value, which is twice a power's fraction, times 2^(n - 1), whose exponent is in the low bits of `shifted`.
  private func scaled(byExponentIn shifted: Self, _ format: ExponentFormat) -> Self {
    let bits = shifted.bitcast(to: format.bits)
    return self * bits.applying(.shiftLeft, bits.constant(format.mantissaBits)).bitcast(to: element)
  }
}

// Minimax polynomials for twice the function: 2^f for |f| <= 1/2 and e^f for |f| <= ln(2)/2. Those for f32 are fitted to the
// rounded coefficients.
private let exp2Coefficients32 = [
  1.0, 0.6931467652320862, 0.24022172391414642, 0.0555085688829422, 0.009674514643847942, 0.001323983771726489,
].map { 2 * $0 }
private let expCoefficients32 = [
  1.0, 1.0, 0.49999991059303284, 0.1666645109653473, 0.04166824743151665, 0.008374898694455624, 0.0013836740981787443,
].map { 2 * $0 }
private let exp2Coefficients64 = [
  1.0, 0.6931471805599453, 0.24022650695910155, 0.055504108664819925, 0.009618129107588335, 0.0013333558146789754,
  0.00015403530462513313, 1.525273349014932e-05, 1.3215433090233682e-06, 1.0178197954243284e-07, 7.074105519500703e-09,
  4.435292942428298e-10,
].map { 2 * $0 }
private let expCoefficients64 = [
  1.0, 1.0, 0.5000000000000018, 0.16666666666666163, 0.04166666666649139, 0.008333333333560957, 0.0013888888951595789,
  0.0001984126943047284, 2.480148612066885e-05, 2.755762352859402e-06, 2.7632442372197534e-07, 2.4994257344730824e-08,
].map { 2 * $0 }

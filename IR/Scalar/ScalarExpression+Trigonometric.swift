extension ScalarExpression {
  /// The sine of an angle in radians. Up to 10^6 in size: f32 within 1 ulp, f64 within 1e-15, absolute; beyond, less and less. NaN for
  /// infinities.
  package func sin() -> Self { inDoublePrecision { $0.sine(quarterTurns: 0) } }

  /// The cosine of an angle in radians, as accurate as `sin`.
  package func cos() -> Self { inDoublePrecision { $0.sine(quarterTurns: 1) } }

  private func inDoublePrecision(_ body: (Self) -> Self) -> Self { body(converted(to: .f64)).converted(to: element) }

  /// The sine of the f64 expression plus a number of quarter turns.
  private func sine(quarterTurns: Int64) -> Self {
    // The nearest multiple n of pi/2, with n in the low bits of `shifted`, subtracted in three parts.
    let rounder = 0x1.8p52
    let shifted = multiplied(by: 2 / Double.pi, adding: constant(rounder))
    let n = shifted - rounder
    let parts = [0x1.921fb544p0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69]
    // Beyond the reach of the parts the remainder is held to the polynomials' range.
    let rest = parts.reduce(self) { $1 == 0 ? $0 : n.multiplied(by: -$1, adding: $0) }.atLeast(-1).atMost(1)
    let square = rest * rest
    func factorial(_ n: Int) -> Double { (1...max(n, 1)).reduce(1) { $0 * Double($1) } }
    let sine = (rest * square).multiplied(
      by: square.polynomial((1...8).map { ($0 % 2 == 0 ? 1 : -1) / factorial(2 * $0 + 1) }), adding: rest)
    let cosine = square.polynomial((0...9).map { ($0 % 2 == 0 ? 1 : -1) / factorial(2 * $0) })
    let bits = shifted.bitcast(to: .i64)
    let quadrant = bits + bits.constant(quarterTurns)
    func bit(_ mask: Int64) -> Self { !((quadrant & quadrant.constant(mask)) == quadrant.constant(0 as Int64)) }
    let value = bit(1).select(cosine, sine)
    return bit(2).select(-value, value)
  }
}

import Foundation

extension Op {
  /// `gelu_tanh`: `r = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))`, elementwise: the approximation of `gelu` that many
  /// models were trained with. NaN for -inf.
  public static let geluTanh: Op = elementwise(
    "gelu_tanh", operands: ["operand"],
    ScalarSemantics(
      .unary(
        real: { 0.5 * $0 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }, integer: nil)
    ).expanding { $0[0].geluTanh() }
      .differentiating { t, x, _ in
        // The op is x s(v), s the sigmoid, v = c x + d x^3. Beyond the bound s is 0 or 1 in any type.
        let (c, bounded) = (2 * (2 / Double.pi).squareRoot(), x[0].heldWithin(40))
        let square = bounded * bounded
        let d = c * 0.044715
        let v = bounded * (square * d + c)
        let slope = bounded * (square * (3 * d) + c)
        let other = (-v).applying(.sigmoid)
        return [t * v.applying(.sigmoid) * (slope * other + 1)]
      })
}

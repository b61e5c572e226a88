import Foundation

extension Op {
  /// `gelu_tanh`: `r = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))`, elementwise: the approximation of `gelu` that many
  /// models were trained with. NaN for -inf.
  public static let geluTanh = elementwise(
    "gelu_tanh", operands: ["operand"],
    ScalarSemantics(
      .unary(
        real: { 0.5 * $0 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }, integer: nil)
    ).expanding { $0[0].geluTanh() })
}

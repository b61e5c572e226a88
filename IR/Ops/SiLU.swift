import Foundation

extension Op {
  /// `silu`: `r = operand / (1 + exp(-operand))`, elementwise: the operand times its sigmoid. NaN for -inf.
  public static let silu = elementwise(
    "silu", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0 / (1 + Foundation.exp(-$0)) }, integer: nil)).expanding { $0[0].silu() })
}

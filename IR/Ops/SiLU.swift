import Foundation

extension Op {
  /// `silu`: `r = operand / (1 + exp(-operand))`, elementwise: the operand times its sigmoid. NaN for -inf.
  public static let silu: Op = elementwise(
    "silu", operands: ["operand"],
    ScalarSemantics(.unary(real: { $0 / (1 + Foundation.exp(-$0)) }, integer: nil)).expanding { $0[0].silu() }
      .differentiating { t, x, _ in
        // s(x) (1 + x s(-x)); the second term is 0 long before the bound.
        let bounded = x[0].heldWithin(1000)
        let other = (-bounded).applying(.sigmoid)
        return [t * x[0].applying(.sigmoid) * (bounded * other + 1)]
      })
}

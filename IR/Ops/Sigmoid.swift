import Foundation

extension Op {
  /// `sigmoid`: the logistic function `r = 1 / (1 + exp(-operand))`, elementwise.
  public static let sigmoid: Op = elementwise(
    "sigmoid", operands: ["operand"],
    ScalarSemantics(.unary(real: { 1 / (1 + Foundation.exp(-$0)) }, integer: nil)).expanding { $0[0].sigmoid() }
      .differentiating { t, x, r in
        let other = (-x[0]).applying(.sigmoid)
        return [t * r * other]
      })
}

import Foundation

extension Op {
  /// `log`: the natural logarithm, elementwise. -inf for 0, NaN for negative operands.
  public static let log = elementwise(
    "log", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.log($0) }, integer: nil)).expanding { $0[0].log() }
      .differentiating { t, x, _ in [t / x[0]] })
}

import Foundation

extension Op {
  /// `log2`: the logarithm to base 2, elementwise. -inf for 0, NaN for negative operands.
  public static let log2 = elementwise(
    "log2", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.log2($0) }, integer: nil)).expanding { $0[0].log2() }
      .differentiating { t, x, _ in [t / x[0] * .log2e] })
}

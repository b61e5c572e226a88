import Foundation

extension Op {
  /// `sin`: the sine of an angle in radians, elementwise. NaN for infinities.
  public static let sin: Op = elementwise(
    "sin", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.sin($0) }, integer: nil)).expanding { $0[0].sin() }
      .differentiating { t, x, _ in [t * x[0].applying(.cos)] })
}

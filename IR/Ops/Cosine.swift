import Foundation

extension Op {
  /// `cos`: the cosine of an angle in radians, elementwise. NaN for infinities.
  public static let cos: Op = elementwise(
    "cos", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.cos($0) }, integer: nil)).expanding { $0[0].cos() }
      .differentiating { t, x, _ in [-(t * x[0].applying(.sin))] })
}

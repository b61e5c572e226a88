import Foundation

extension Op {
  /// `tanh`: the hyperbolic tangent, elementwise.
  public static let tanh: Op = elementwise(
    "tanh", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.tanh($0) }, integer: nil)).expanding { $0[0].tanh() }
      .differentiating { t, x, _ in
        // 1 - tanh(x)^2 without the difference, which has no digits for a large x.
        let twice = x[0] * 2
        let (left, right) = (twice.applying(.sigmoid), (-twice).applying(.sigmoid))
        return [t * 4 * left * right]
      })
}

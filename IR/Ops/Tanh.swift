import Foundation

extension Op {
  /// `tanh`: the hyperbolic tangent, elementwise.
  public static let tanh = elementwise(
    "tanh", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.tanh($0) }, integer: nil)).expanding { $0[0].tanh() })
}

import Foundation

extension Op {
  /// `sin`: the sine of an angle in radians, elementwise. NaN for infinities.
  public static let sin = elementwise(
    "sin", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.sin($0) }, integer: nil)).expanding { $0[0].sin() })
}

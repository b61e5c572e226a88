import Foundation

extension Op {
  /// `gelu`: `r = x/2 * (1 + erf(x / sqrt(2)))`, elementwise: the exact form. NaN or the limit 0 for -inf.
  public static let gelu = elementwise(
    "gelu", operands: ["operand"],
    ScalarSemantics(.unary(real: { 0.5 * $0 * Foundation.erfc(-$0 * 0.5.squareRoot()) }, integer: nil)).expanding { $0[0].gelu() })
}

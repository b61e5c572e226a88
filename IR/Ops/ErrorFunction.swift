import Foundation

extension Op {
  /// `erf`: the error function `2/sqrt(pi) * integral from 0 to operand of exp(-t^2) dt`, elementwise.
  public static let erf = elementwise(
    "erf", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.erf($0) }, integer: nil)).expanding { $0[0].erf() })
}

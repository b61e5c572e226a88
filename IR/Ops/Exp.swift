import Foundation

extension Op {
  /// `exp`: `r = e^operand`, elementwise. 0 for -inf, inf for inf.
  public static let exp = elementwise(
    "exp", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.exp($0) }, integer: nil)).expanding { $0[0].exp() }
      .differentiating { t, _, r in [t * r] })
}

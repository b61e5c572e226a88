import Foundation

extension Op {
  /// `exp2`: `r = 2^operand`, elementwise. 0 for -inf, inf for inf.
  public static let exp2 = elementwise(
    "exp2", operands: ["operand"],
    ScalarSemantics(.unary(real: { Foundation.exp2($0) }, integer: nil)).expanding { $0[0].exp2() }
      .differentiating { t, _, r in [t * r * 0.6931471805599453] })
}

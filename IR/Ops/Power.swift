import Foundation

extension Op {
  /// `power`: `r = left ^ right`, elementwise, of floats. As in C: NaN for a negative base with a fractional exponent.
  public static let power = elementwise(
    "power", operands: ["left", "right"],
    ScalarSemantics(.binary(real: { Foundation.pow($0, $1) }, integer: nil)).expanding { $0[0].power($0[1]) })
}

extension Op {
  /// `shift_left`: `r = left << right`, elementwise, of integers. 0 where the count is outside `0 ..< bits`.
  public static let shiftLeft = elementwise(
    "shift_left", operands: ["left", "right"],
    ScalarSemantics(.binary(real: nil, integer: { $1 < 0 ? 0 : $0 << $1 })))
}

extension Op {
  /// `shift_left`: `r = left << right`, elementwise, of integers. A count outside `0 ..< bits` gives 0.
  public static let shiftLeft = elementwise(
    "shift_left", operands: ["left", "right"],
    ScalarSemantics(.binary(real: nil, integer: { $1 < 0 ? 0 : $0 << $1 })))
}

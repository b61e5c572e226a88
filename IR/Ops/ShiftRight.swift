extension Op {
  /// `shift_right`: `r = left >> right`, elementwise, of integers: arithmetic for signed types, logical for u8.
  /// Where the count is outside `0 ..< bits`: 0, or -1 for a negative left operand.
  public static let shiftRight = elementwise(
    "shift_right", operands: ["left", "right"],
    ScalarSemantics(.binary(real: nil, integer: { $1 < 0 ? $0 >> 63 : $0 >> $1 })))
}

extension Op {
  /// `fused_multiply_add`: `r = left * right + addend`, elementwise, of floats, rounded once.
  public static let fusedMultiplyAdd = elementwise(
    "fused_multiply_add", operands: ["left", "right", "addend"],
    ScalarSemantics(.ternary(real: { $2.addingProduct($0, $1) })))
}

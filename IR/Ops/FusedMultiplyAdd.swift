extension Op {
  /// `fused_multiply_add`: `r = left * right + addend`, elementwise, of floats, rounded once: to f32 for 16-bit types.
  public static let fusedMultiplyAdd = elementwise(
    "fused_multiply_add", operands: ["left", "right", "addend"],
    ScalarSemantics(
      .ternary(real: { left, right, addend, element in
        element == .f64 ? addend.addingProduct(left, right) : Double(Float(addend).addingProduct(Float(left), Float(right)))
      })
    ).differentiating { t, x, _ in [t * x[1], t * x[0], t] })
}

extension Op {
  /// `bitcast`: the bits of the operand read as another element type of the same size, which the writer states; elementwise.
  public static let bitcast = elementwise(
    "bitcast", operands: ["operand"],
    ScalarSemantics(.bitcast).differentiating(.zero("the bits of a number are not a function that has a slope")))
}

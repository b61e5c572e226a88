extension Op {
  /// `convert`: the operand as another element type, which the writer states.
  ///
  /// A float rounds to the nearest of a narrower float type, ties to even; it becomes an integer by dropping its fraction, held to
  /// the type's range, NaN as 0. An integer wraps. Anything becomes a bool by comparing with 0; a bool becomes 0 or 1.
  public static let convert = elementwise("convert", operands: ["operand"], ScalarSemantics(.convert).differentiating(.conversion))
}

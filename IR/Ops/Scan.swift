extension AttributeKey where Value == Bool {
  /// Whether an element is left out of its own running reduction.
  public static var exclusive: Self { Self("exclusive") }
  /// Whether a scan runs from the end.
  public static var reverse: Self { Self("reverse") }
}

extension Op {
  /// `scan {dim = d, kind = add, exclusive = true, reverse = true}`: running reductions along a dimension.
  ///
  /// `r[i] = x[0] op ... op x[i]`; exclusive: without `x[i]`, so that `r[0]` is the identity of `kind`; reverse: from the end. The kinds are
  /// those of `reduce`.
  ///
  /// The derivative of a running minimum or maximum is that of the last element so far that equals it; 0 where it is NaN. That of products
  /// takes time and memory that grow with the square of the extent.
  public static let scan: Op = Op(
    "scan", operands: .named(["operand"]),
    attributes: [.required(.dim), .required(.kind), .optional(.exclusive), .optional(.reverse)],
    infer: { inference in
      let operand = inference.operands[0]
      _ = try inference.dimension(rank: operand.rank)
      try inference.checkReduction(of: operand.element)
      return [operand]
    },
    evaluate: { evaluation in
      let (operand, reduction) = (evaluation.operands[0], evaluation.attributes.required(.kind))
      let (exclusive, reverse) = (evaluation.attributes.isSet(.exclusive), evaluation.attributes.isSet(.reverse))
      var result = operand
      operand.forEachRow(along: evaluation.attributes.required(.dim)) { positions in
        var running = reduction.identity(operand.element)
        for position in reverse ? positions.reversed() : positions {
          let next = reduction.combine(running, operand[position], operand.element)
          result[position] = exclusive ? running : next
          running = next
        }
      }
      return [result]
    },
    derivative: .ofScan)
}

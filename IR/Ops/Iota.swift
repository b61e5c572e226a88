extension Op {
  /// `iota {dim = d}`: the index along dimension `d`, of the stated integer type: `r[i0, ..., in] = id`.
  public static let iota = Op(
    "iota", operands: .named([]), attributes: [.required(.dim)], traits: [.typedByResult],
    infer: { inference in
      let type = try inference.statedType()
      try inference.expect(type.element.isInteger, "got the element type \(type.element), expected an integer type")
      _ = try inference.dimension(rank: type.rank)
      return [type]
    },
    evaluate: { evaluation in
      var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
      let dimension = evaluation.attributes.required(.dim)
      ReferenceArray.forEachIndex(of: result.shape) { result.integers[$1] = result.element.wrap(Int64($0[dimension])) }
      return [result]
    }, derivative: .zero("it has no operands"))
}

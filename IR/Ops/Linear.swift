extension Op {
  /// `linear %left, %right, %extra... {subscripts, tile} epilogue (%acc: f32, %e: f32) { ... yield %y }`: a `contract`, then a region on
  /// each element of its result.
  ///
  /// `%acc` is the element of the product, of the operands' type or of a wider float type: of 16-bit operands the region may take
  /// the f32 sum. The other parameters are the elements of the extras, which have the product's shape or are scalars. The result
  /// has the yielded type. `tile` is a choice of the compiler that does not change the meaning: rows, columns, and the depth
  /// multiplied at once where that is not the whole depth.
  public static let linear = Op(
    "linear", operands: .leading(["left", "right"], rest: "extras"),
    attributes: [.required(.subscripts), .optional(.tile)], regions: ["epilogue"], traits: [.fused],
    infer: { inference in
      try inference.checkTile(mayHaveDepth: true)
      let inputs = inference.operands.prefix(2)
      let accumulator = inference.regions[0].parameters.first?.type
      let isWider = inputs.allSatisfy { $0.element.isWidened(by: accumulator) }
      let product = try Op.contract.resultTypes(
        of: Inference(
          op: .contract, operands: inputs.map { isWider ? TensorType(accumulator!, $0.shape) : $0 },
          attributes: inference.attributes.only(.subscripts),
          regions: [],
          stated: nil, facts: inference.facts))[0]
      for extra in inference.captured {
        try inference.expect(
          extra.rank == 0 || inference.areEqual(extra.shape, product.shape),
          "got the extra \(extra), expected a scalar or the shape \(product.shape)")
      }
      let types = [product.element] + inference.captured.map(\.element)
      try inference.checkRegion(0, parameters: types.map { type in ("\(type)", { $0 == type }) }, tables: [])
      try inference.checkYield(0, count: 1)
      let region = inference.regions[0]
      return [TensorType(region.type(region.results[0]), product.shape)]
    },
    evaluate: { evaluation in
      let operands = evaluation.operands
      let product = try Op.contract.evaluate(
        Evaluation(
          op: .contract, operands: Array(operands.prefix(2)), attributes: evaluation.attributes.only(.subscripts), regions: [],
          operandTypes: Array(evaluation.operandTypes.prefix(2)),
          resultTypes: [TensorType(evaluation.regions[0].parameters[0].type, evaluation.resultTypes[0].shape)],
          binding: evaluation.binding, rounding: evaluation.rounding))[0]
      var result = ReferenceArray(evaluation.resultTypes[0].element, product.shape)
      for position in 0..<result.count {
        let extras = evaluation.captured.map { $0[$0.shape.isEmpty ? 0 : position] }
        result[position] = try evaluation.evaluate(0, [product[position]] + extras)[0]
      }
      return [result]
    },
    cost: { query in
      let product = Op.contract.cost(
        CostQuery(
          op: .contract, operands: Array(query.operands.prefix(2)), results: query.results,
          attributes: query.attributes.only(.subscripts), regions: []))
      return Cost(
        flops: product.flops + query.results[0].shape.count * Extent(query.regions[0].instructions.count), bytes: query.bytes)
    },
    decompose: { context in
      let accumulator = context.regions[0].parameters[0].type
      let inputs = try context.operands.prefix(2).map { operand in
        let type = context.type(operand)
        if type.element == accumulator { return operand }
        return try context.emit(.convert, operand, stated: TensorType(accumulator, type.shape))
      }
      let product = try context.emit(
        .contract, inputs[0], inputs[1], attributes: context.attributes.only(.subscripts).all)
      let arguments = [product] + context.captured
      return try context.apply(context.regions[0], shape: .init(full: context.resultTypes[0].shape)) { _, position in
        arguments[position]
      }
    })
}

extension ElementType {
  /// Whether `other` is this type or a float type that has all of its values.
  fileprivate func isWidened(by other: ElementType?) -> Bool {
    guard let other else { return false }
    return self == other || isFloat && other.isFloat && byteCount < other.byteCount
  }
}

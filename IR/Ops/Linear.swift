extension Op {
  /// `linear %left, %right, %extra... {subscripts, tile} epilogue (%acc: f32, %e: f32) { ... yield %y }`: a `contract`, then a region on
  /// each element of its result.
  ///
  /// `%acc` is the element of the product, of the operands' type or of a wider float type: of 16-bit operands the region may take
  /// the f32 sum. The other parameters are the elements of the extras, which have the product's shape or are scalars. The result
  /// has the yielded type. `tile` is a choice of the compiler that does not change the meaning: rows, columns, and the depth
  /// multiplied at once where that is not the whole depth.
  public static let linear: Op = Op(
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
      let product = try context.product(of: context.operands, as: context.regions[0].parameters[0].type, context.attributes)
      let arguments = [product] + context.captured
      return try context.apply(context.regions[0], shape: .init(full: context.resultTypes[0].shape)) { _, position in
        arguments[position]
      }
    },
    derivative: Derivative(
      forward: { context, tangents in
        let product = try context.tangentOfProduct(tangents)
        return try context.tangents(ofRegion: context.regions[0], [product] + tangents.dropFirst(2)) { try $0.argument($1) }
      },
      reverse: { context, cotangents in
        let wanted = context.operands.indices.map { context.isWanted($0) }
        let isNumber = context.operands.map { context.type($0).rank == 0 }
        let found = try context.cotangents(
          ofRegion: context.regions[0], cotangents, isWanted: { $0 == 0 ? wanted[0] || wanted[1] : wanted[1 + $0] },
          isNumber: { $0 > 0 && isNumber[1 + $0] }
        ) { try $0.argument($1) }
        return try (found[0].map { try context.cotangentsOfProduct($0) } ?? [nil, nil]) + found.dropFirst()
      }))
}

extension NodeEmitter {
  /// The product of the first two operands, in the accumulator's type.
  fileprivate mutating func product(of operands: [ValueID], as accumulator: ElementType, _ attributes: Attributes) throws -> ValueID
  {
    try emit(
      .contract, widened(operands[0], to: accumulator), widened(operands[1], to: accumulator),
      attributes: attributes.only(.subscripts).all)
  }
}

extension Differentiation {
  /// The tangents of the product's elements; nil where neither factor has one.
  fileprivate mutating func tangentOfProduct(_ tangents: [ValueID?]) throws -> ValueID? {
    let accumulator = regions[0].parameters[0].type
    var sum: ValueID?
    for number in 0..<2 {
      guard let tangent = tangents[number] else { continue }
      let factors = number == 0 ? [tangent, operands[1]] : [operands[0], tangent]
      let term = try product(of: factors, as: accumulator, attributes)
      sum = try sum.map { try emit(.add, $0, term) } ?? term
    }
    return sum
  }

  /// The cotangents of the factors from that of the product.
  fileprivate mutating func cotangentsOfProduct(_ cotangent: ValueID) throws -> [ValueID?] {
    let subscripts = attributes.required(.subscripts)
    let letters = [subscripts.left, subscripts.right]
    var found: [ValueID?] = [nil, nil]
    for number in 0..<2 where isWanted(number) {
      let other = try widened(operands[1 - number], to: type(cotangent).element)
      let transposed = ContractSubscripts(left: subscripts.result, right: letters[1 - number], result: letters[number])
      let product = try emit(.contract, cotangent, other, attributes: [Attribute(.subscripts, transposed)])
      found[number] = try widened(product, to: type(operands[number]).element)
    }
    return found
  }

  /// The argument of the epilogue of this number: an element of the product, computed again, or of an extra.
  fileprivate mutating func argument(_ number: Int) throws -> ValueID {
    number == 0 ? try product(of: operands, as: regions[0].parameters[0].type, attributes) : operands[1 + number]
  }
}

extension ElementType {
  /// Whether `other` is this type or a float type that has all of its values.
  fileprivate func isWidened(by other: ElementType?) -> Bool {
    guard let other else { return false }
    return self == other || isFloat && other.isFloat && byteCount < other.byteCount
  }
}

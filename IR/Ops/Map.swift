extension Op {
  /// `map %a, %b (%x: f32, %y: f32) { ... yield %z }`: a scalar region applied to each element; one result for each yielded value.
  ///
  /// The operands have the results' shape or are scalars.
  public static let map: Op = Op(
    "map", operands: .variadic("operand", minimum: 1), results: .yielded, regions: [""], traits: [.fused],
    infer: { inference in
      let shape = try inference.elementwiseShape()
      try inference.checkRegion(
        0, parameters: inference.operands.map { operand in ("\(operand.element)", { $0 == operand.element }) }, tables: [])
      try inference.checkYield(0, count: nil)
      let region = inference.regions[0]
      return region.results.map { TensorType(region.type($0), shape) }
    },
    evaluate: { evaluation in
      var results = zip(evaluation.resultTypes, evaluation.resultShapes).map { ReferenceArray($0.element, $1) }
      for position in 0..<results[0].count {
        let arguments = evaluation.operands.map { $0[$0.shape.isEmpty ? 0 : position] }
        for (number, value) in try evaluation.evaluate(0, arguments).enumerated() {
          results[number][position] = value
        }
      }
      return results
    },
    cost: { Cost(flops: $0.results[0].shape.count * Extent($0.regions[0].instructions.count), bytes: $0.bytes) },
    decompose: { context in
      let operands = context.operands
      return try context.apply(context.regions[0], shape: .init(full: context.resultTypes[0].shape)) { _, position in
        operands[position]
      }
    },
    derivative: Derivative(
      forward: { context, tangents in
        try context.tangents(ofRegion: context.regions[0], tangents) { context, number in context.operands[number] }
      },
      reverse: { context, cotangents in
        let (operands, wanted) = (context.operands, context.operands.indices.map { context.isWanted($0) })
        let isNumber = operands.map { context.type($0).rank == 0 }
        return try context.cotangents(
          ofRegion: context.regions[0], cotangents, isWanted: { wanted[$0] }, isNumber: { isNumber[$0] }
        ) { _, number in operands[number] }
      }))
}

import Foundation

extension Op {
  /// `attention %query, %key, %value, %captured... score (%s, %b..., %i, %j) { ... } where (%b..., %i, %j) { ... } {ragged, tile}`:
  /// attention whose score matrix is never stored.
  ///
  /// query is `[batch..., M, D]`, key `[batch..., N, D]`, value `[batch..., N, E]`; the result is `[batch..., M, E]`. With
  /// `s = sum over d of query[b, i, d] * key[b, j, d]` and the index of each batch dimension, of the query and of the key (each i32 or
  /// i64), the region `score` gives the score of a pair and `where` whether the pair is live:
  /// ```
  /// r[b, i, e] = sum over live j of exp(score) * value[b, j, e] / sum over live j of exp(score)
  /// ```
  /// The region `score` is of the operands' type, or of f32 where they are of 16 bits; the result has its type.
  /// A dead pair weighs exactly 0, whatever its score; its value must be finite. A row without a live pair, or whose live scores are
  /// all -inf, is 0.
  /// `ragged = n`: the captured tensor n holds segment offsets over the rows (M is N); only pairs in one segment are live. `tile` is a
  /// choice of the compiler's without influence on the meaning.
  public static let attention = Op(
    "attention", operands: .leading(["query", "key", "value"], rest: "captured"),
    attributes: [.optional("ragged", .integer), .optional("tile", .integers)], regions: ["score", "where"],
    traits: [.fused, .capturesTables],
    infer: { inference in
      try inference.checkTile()
      let (query, key, value) = (inference.operands[0], inference.operands[1], inference.operands[2])
      let element = try inference.commonElement(inference.operands.prefix(3))
      try inference.expect(element.isFloat, "got operands of type \(element), expected a float type")
      let rank = query.rank
      let named = inference.describe(inference.operands.prefix(3))
      try inference.expect(
        rank >= 2 && key.rank == rank && value.rank == rank, "got \(named), expected one rank of at least 2")
      let batch = rank - 2
      for dim in 0..<batch {
        try inference.expect(
          inference.areEqual(query.shape[dim], key.shape[dim]) && inference.areEqual(query.shape[dim], value.shape[dim]),
          "got \(named), expected equal extents in dimension \(dim)")
      }
      try inference.expect(
        inference.areEqual(query.shape[rank - 1], key.shape[rank - 1]), "got \(named), expected queries and keys of one width")
      try inference.expect(
        inference.areEqual(key.shape[batch], value.shape[batch]), "got \(named), expected as many keys as values")
      if let ragged = inference.attributes.optionalInteger("ragged") {
        try inference.expect(
          inference.captured.indices.contains(ragged + 3),
          "got ragged = \(ragged), expected the number of one of \(inference.captured.count) captured tensors")
        try inference.checkOffsets(inference.operands[ragged + 3])
        try inference.expect(
          inference.areEqual(query.shape[batch], key.shape[batch]), "got \(named), expected as many queries as keys where ragged")
      }
      let captured = Array(inference.captured)
      let score = inference.regions.first?.parameters.first?.type ?? element
      try inference.expect(
        score == element || element.byteCount == 2 && score == .f32,
        "got the region score of \(score), expected \(element)\(element.byteCount == 2 ? " or f32" : "")")
      let isIndex: (ElementType) -> Bool = { $0 == .i32 || $0 == .i64 }
      let indices = Array(repeating: (role: "i32 or i64", isAllowed: isIndex), count: batch + 2)
      try inference.checkRegion(0, parameters: [("\(score)", { $0 == score })] + indices, tables: captured)
      try inference.checkRegion(1, parameters: indices, tables: captured)
      for (position, expected) in [score, .bool].enumerated() {
        try inference.checkYield(position, count: 1)
        let region = inference.regions[position]
        let got = region.type(region.results[0])
        try inference.expect(
          got == expected, "got \(got) yielded by the region \(inference.op.regionKeywords[position]), expected \(expected)")
      }
      return [TensorType(score, Shape(query.shape.extents.dropLast() + [value.shape[rank - 1]]))]
    },
    evaluate: { try evaluateAttention($0) },
    cost: { query in
      let (rows, columns) = (query.operands[0].shape, query.operands[1].shape)
      let pairs = rows.extents.dropLast().reduce(Extent(1), *) * columns[columns.rank - 2]
      let perPair = Extent(2) * rows[rows.rank - 1] + Extent(2) * query.results[0].shape[rows.rank - 1]
      let regions = query.regions.reduce(1) { $0 + $1.instructions.count }
      return Cost(flops: pairs * (perPair + Extent(regions)), bytes: query.bytes)
    },
    offsets: { query in
      let rows = query.operands[0].shape
      return query.attributes.optionalInteger("ragged").map { SegmentOffsets(operand: 3 + $0, rows: rows[rows.rank - 2]) }
    },
    decompose: { try decomposeAttention(&$0) })
}

private func evaluateAttention(_ evaluation: Evaluation) throws -> [ReferenceArray] {
  let (query, key, value) = (evaluation.operands[0], evaluation.operands[1], evaluation.operands[2])
  let captured = Array(evaluation.operands.dropFirst(3))
  let (score, live) = (evaluation.regions[0], evaluation.regions[1])
  let batch = query.shape.count - 2
  let (rows, columns, width, resultWidth) = (query.shape[batch], key.shape[batch], query.shape[batch + 1], value.shape[batch + 1])
  let offsets = evaluation.attributes.optionalInteger("ragged").map { captured[$0].integers.dropFirst() }
  func segment(_ row: Int) -> Int { offsets?.count { $0 <= Int64(row) } ?? 0 }
  let segments = (0..<max(rows, columns)).map(segment)
  var result = ReferenceArray(evaluation.resultTypes[0].element, evaluation.resultShapes[0])
  try ReferenceArray.forEachIndex(of: Array(query.shape.prefix(batch))) { outer, number in
    for i in 0..<rows {
      var scores: [(key: Int, score: Double)] = []
      for j in 0..<columns where segments[i] == segments[j] {
        let indices = (outer + [i, j]).map { Literal($0) }
        guard try live.evaluate(indices, tables: captured)[0].integer != 0 else { continue }
        let (q, k) = ((number * rows + i) * width, (number * columns + j) * width)
        var product = 0.0
        for d in 0..<width { product += query.reals[q + d] * key.reals[k + d] }
        scores.append((j, try score.evaluate([Literal(product)] + indices, tables: captured)[0].real))
      }
      let weights = softmaxWeights(scores.map(\.score))
      for e in 0..<resultWidth {
        var sum = 0.0
        for (pair, weight) in zip(scores, weights) { sum += weight * value.reals[(number * columns + pair.key) * resultWidth + e] }
        result.reals[(number * rows + i) * resultWidth + e] = sum
      }
    }
  }
  return [result]
}

/// contract, the regions over index tensors, select, softmax, contract. Dead pairs weigh 0, so that the values there must be finite.
private func decomposeAttention(_ context: inout Decomposition) throws -> [ValueID] {
  let element = context.regions[0].parameters[0].type
  let operands = try context.operands.prefix(3).map { operand in
    let type = context.type(operand)
    return type.element == element ? operand : try context.emit(.convert, operand, stated: TensorType(element, type.shape))
  }
  let (query, key, value) = (operands[0], operands[1], operands[2])
  let tables = Array(context.operands.dropFirst(3))
  let (queryType, keyType) = (context.type(query), context.type(key))
  let batch = queryType.rank - 2
  let shape = Shape(queryType.shape.extents.dropLast() + [keyType.shape[batch]])
  // Batch letters are capital, so that there are enough of them.
  let letters = (0..<batch).map { Character(Unicode.Scalar(UInt8(65 + $0))) }
  func subscripts(_ left: String, _ right: String, _ result: String) -> [Attribute] {
    let text = ContractSubscripts(left: letters + left, right: letters + right, result: letters + result).text
    return [Attribute("subscripts", .word(Name(text)))]
  }
  let products = try context.emit(.contract, query, key, attributes: subscripts("id", "jd", "ij"))

  /// A region with its first parameters given and an iota for each of the others.
  func apply(_ region: ScalarFunction, leading: [ValueID]) throws -> ValueID {
    var regionShape = Decomposition.RegionShape(full: shape)
    for dim in 0..<shape.rank { regionShape.indexDimensions[region.parameter(leading.count + dim)] = dim }
    return try context.apply(region, tables: tables, shape: regionShape) { context, position in
      if position < leading.count { return leading[position] }
      return try context.emit(
        .iota, attributes: [Attribute("dim", .integer(position - leading.count))],
        stated: TensorType(region.parameters[position].type, shape))
    }[0]
  }
  let scores = try apply(context.regions[0], leading: [products])
  var live = try apply(context.regions[1], leading: [])
  if let ragged = context.attributes.optionalInteger("ragged") {
    let segments = try context.emit(.segmentIDs, tables[ragged], stated: TensorType(.i32, [queryType.shape[batch]]))
    let (ofQuery, ofKey) = (
      try context.broadcast(segments, to: shape, dims: [batch]), try context.broadcast(segments, to: shape, dims: [batch + 1])
    )
    live = try context.emit(.and, live, context.emit(.equal, ofQuery, ofKey))
  }
  let masked = try context.emit(.select, live, scores, context.constant(-.infinity, queryType.element))
  let weights = try context.emit(.softmax, masked, attributes: [Attribute("dim", .integer(batch + 1))])
  return [try context.emit(.contract, weights, value, attributes: subscripts("ij", "je", "ie"))]
}

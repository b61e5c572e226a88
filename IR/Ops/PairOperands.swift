/// What the attributes of an op on pairs say of its operands.
package struct PairOperands {
  /// A sum over the pairs of a query or of a key.
  package struct Sum {
    /// The number of the weight among those that the region yields.
    package let weight: Int
    /// The tensor that is weighed; nil for the weight alone.
    package let operand: Int?
    /// Whether the sum belongs to a query, over its keys.
    package let isOfRow: Bool
  }

  /// The batch dimensions, the queries and the keys.
  package let extents: [Extent]
  /// The row tensor and the column tensor of each product.
  package let products: [(row: Int, column: Int)]
  /// The row sums, then the column sums.
  package let sums: [Sum]

  /// What verified attributes say.
  package init(_ attributes: Attributes) {
    func couples(_ key: AttributeKey<[Int]>) -> [(Int, Int)] {
      let list = attributes[key] ?? []
      return stride(from: 0, to: list.count - 1, by: 2).map { (list[$0], list[$0 + 1]) }
    }
    extents = attributes.required(.pairs)
    products = couples(.products).map { (row: $0, column: $1) }
    sums =
      couples(.rowSums).map { Sum(weight: $0, operand: $1 < 0 ? nil : $1, isOfRow: true) }
      + couples(.columnSums).map { Sum(weight: $0, operand: $1 < 0 ? nil : $1, isOfRow: false) }
  }

  /// The shape of `[batch..., M]`, or of `[batch..., N]`.
  func rows(_ isOfRow: Bool) -> [Extent] { extents.dropLast(2) + [extents[extents.count - (isOfRow ? 2 : 1)]] }
}

extension PairOperands {
  /// What the attributes of `inference` say, checked beside its operands and regions.
  init(checking inference: Inference) throws {
    for key in [AttributeKey<[Int]>.products, .rowSums, .columnSums] {
      guard let list = inference.attributes[key] else { continue }
      try inference.expect(list.count % 2 == 0, "got \(list.count) numbers of \(key.name), expected two for each")
    }
    self.init(inference.attributes)
    try inference.expect(extents.count >= 2, "got pairs = \(Shape(extents)), expected the extents of queries and keys")
    for (row, column) in products {
      let widths = try [(row, true), (column, false)].map { try width($0, isOfRow: $1, inference) }
      try inference.expect(
        inference.areEqual(widths[0], widths[1]),
        "got the widths \(widths[0]) and \(widths[1]) of a product's operands \(row) and \(column), expected one")
    }
    let region = inference.regions.first
    let leading = region.map { Array($0.parameters.prefix(products.count)) } ?? []
    let element = leading.first?.type ?? .f32
    let isWide = element == .f32 || element == .f64
    let indices: [(role: String, isAllowed: (ElementType) -> Bool)] = extents.map { _ in
      ("i32 or i64", { $0 == .i32 || $0 == .i64 })
    }
    try inference.checkRegion(
      0, parameters: products.map { _ in ("f32 or f64, one type", { $0 == element && isWide }) } + indices,
      tables: inference.operands)
    try inference.checkRegion(1, parameters: indices, tables: inference.operands)
    try inference.checkYield(1, of: .bool)
  }

  /// The width of a row or column tensor.
  /// - Throws: where the operand is not one.
  private func width(_ operand: Int, isOfRow: Bool, _ inference: Inference) throws -> Extent {
    try inference.expect(
      inference.operands.indices.contains(operand), "got operand \(operand), expected one of \(inference.operands.count)")
    let type = inference.operands[operand]
    let leading = rows(isOfRow)
    try inference.expect(
      type.element != .bool && type.rank == leading.count + 1
        && inference.areEqual(Shape(type.shape.extents.dropLast()), Shape(leading)),
      "got operand \(operand) of type \(type) as a \(isOfRow ? "row" : "column") tensor, expected numbers of shape \(Shape(leading + ["W"]))"
    )
    return type.shape[type.rank - 1]
  }

  /// The shape of a sum.
  func shape(of sum: Sum, _ inference: Inference) throws -> Shape {
    let leading = rows(sum.isOfRow)
    return try Shape(leading + (sum.operand.map { [try width($0, isOfRow: !sum.isOfRow, inference)] } ?? []))
  }
}

extension CostQuery {
  /// The operations of the products, the region and the sums of all pairs.
  var costOfPairOperands: Cost {
    let pairs = PairOperands(attributes)
    func width(_ operand: Int?) -> Extent { operand.map { operands[$0].shape.extents.last! } ?? 1 }
    let widths = pairs.products.map { width($0.row) } + pairs.sums.map { width($0.operand) }
    let instructions = Extent(regions.reduce(1) { $0 + $1.instructions.count })
    let perPair = widths.reduce(instructions) { $0 + Extent(2) * $1 }
    return Cost(flops: pairs.extents.reduce(Extent(1), *) * perPair, bytes: bytes)
  }
}

/// The pairs of an op on pairs as its definition sees them.
struct EvaluatedPairs {
  private let evaluation: Evaluation
  private let pairs: PairOperands
  /// The operands as reals, where they are numbers.
  let reals: [ReferenceArray]
  private let extents: [Int]

  /// A live pair.
  struct Pair {
    /// What the first region yields.
    let yields: [Literal]
    fileprivate let query: Int
    fileprivate let key: Int

    /// The row-major position of the query among all queries, or of the key among all keys.
    func position(_ ofRow: Bool) -> Int { ofRow ? query : key }
  }

  init(_ evaluation: Evaluation) {
    self.evaluation = evaluation
    pairs = PairOperands(evaluation.attributes)
    reals = evaluation.operands.map { $0.inReals }
    extents = pairs.extents.map { extent in
      // The verifier has seen that the symbols have values.
      try! extent.evaluate { evaluation.binding[$0] }
    }
  }

  /// Calls `body` with each live pair, in row-major order.
  func forEachLivePair(_ body: (Pair) throws -> Void) throws {
    let batch = Array(extents.dropLast(2))
    let (rows, columns) = (extents[batch.count], extents[batch.count + 1])
    try ReferenceArray.forEachIndex(of: batch) { outer, number in
      for i in 0..<rows {
        for j in 0..<columns {
          let indices = (outer + [i, j]).map { Literal($0) }
          guard try evaluation.evaluate(1, indices, tables: evaluation.operands)[0].integer != 0 else { continue }
          let (query, key) = (number * rows + i, number * columns + j)
          let products = pairs.products.map { row, column in
            let width = reals[row].shape.last!
            return Literal(
              (0..<width).reduce(0.0) { $0 + reals[row].reals[query * width + $1] * reals[column].reals[key * width + $1] })
          }
          let yields = try evaluation.evaluate(0, products + indices, tables: evaluation.operands)
          try body(Pair(yields: yields, query: query, key: key))
        }
      }
    }
  }
}

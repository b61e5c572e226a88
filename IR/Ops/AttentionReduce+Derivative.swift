// A sum of numbers of weights is differentiated pair by pair, from weights that are computed again.

/// A statistic of attention's weights that is being differentiated.
private struct DifferentiatedStatistic {
  let element: ElementType
  let extents: [Extent]
  var writer: PairWriter
  let score: DifferentiatedFunction
  let value: DifferentiatedFunction
  /// The weight of a pair.
  let weight: ScalarExpression
  /// The indices of the block that a pair is in, and whether it counts.
  let block: [ScalarExpression]
  let counts: ScalarExpression

  /// - Parameter products: products of rows, that of queries and keys first.
  init(_ context: inout Differentiation, _ products: [(row: ValueID, column: ValueID)]) throws {
    let operands = context.operands
    element = context.type(operands[2]).element
    let (query, key) = (context.type(operands[0]).shape, context.type(operands[1]).shape)
    extents = query.extents.dropLast() + [key.extents[key.rank - 2]]
    // A row without a live pair has a logarithm of -inf.
    let none = try context.emit(.equal, operands[2], context.constant(-.infinity, element))
    let shift = try context.emit(.select, none, context.constant(0, element), operands[2])
    let (graph, tables) = (context.rewriter.result, Array(context.captured))
    let liveness = PairWriter.Liveness(region: context.regions[1], tables: tables)
    var writer = PairWriter(extents, products: products, element, liveness, in: graph)
    score = writer.write(context.regions[0], leading: [writer.product(0)], tables: tables, in: graph)
    let difference = score.results[0].converted(to: element) - writer.ofRow(shift, in: graph)
    weight = (difference * .log2e).applying(.exp2)
    value = writer.write(context.regions[2], leading: [weight], tables: tables, in: graph)

    let (attributes, rank) = (context.attributes, extents.count)
    let whole = Array(extents.suffix(2))
    var block = attributes.keptBatch(rank - 2).map { writer.indices[$0] }
    var counts: ScalarExpression?
    for (dimension, (window, size)) in zip(attributes.window(whole), attributes.required(.block)).enumerated() {
      let index = writer.indices[rank - 2 + dimension]
      let first = writer.writer.extent(window.start, index.element)
      let isInside =
        !index.applying(.less, first) & index.applying(.less, writer.writer.extent(window.stop, index.element))
      counts = counts.map { $0 & isInside } ?? isInside
      block.append(size == 0 ? index.constant(Int64(0)) : (index - first).applying(.divide, index.constant(Int64(size))))
    }
    (self.block, self.counts, self.writer) = (block, counts!, writer)
  }

  /// `number` for the pairs that count, 0 for others and for weights of 0.
  func counted(_ number: ScalarExpression) -> ScalarExpression {
    (counts & !(weight == 0.0)).select(number, number.constant(0.0))
  }
}

extension Differentiation {
  /// Whether the op sums numbers of weights, so that pairs can be differentiated one by one. A number that reads a tensor changes with it
  /// where the pair is dead, too.
  private var isSumOfWeights: Bool {
    let readsTensors = regions[2].instructions.contains { if case .element = $0.operation { true } else { false } }
    return attributes.required(.kind) == .add && regions[0].results.count == 1 && !readsTensors
  }

  private mutating func remarkDecomposition() {
    remark(
      .declined,
      "its derivative is taken of the weights as a stored matrix: that of a sum of what weights alone make, without scores of dead pairs, is not"
    )
  }

  mutating func cotangentsOfAttentionReduce(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    guard isSumOfWeights else {
      remarkDecomposition()
      return try Derivative.ofDecomposition.reverse(&self, cotangents)
    }
    let statistic = try DifferentiatedStatistic(&self, [(operands[0], operands[1])])
    let graph = rewriter.result
    var writer = statistic.writer
    // The first block stands for that of a pair that does not count.
    let block = statistic.block.map { statistic.counts.select($0, $0.constant(Int64(0))) }
    let cotangent = writer.writer.element(writer.number(of: cotangents[0]!, in: graph), block)
    let ofValues = statistic.value.cotangents(of: [statistic.counted(cotangent.converted(to: statistic.element))])
    var ofScore: ScalarExpression?
    if let ofWeight = ofValues[statistic.value.parameter(0)] { ofScore = statistic.counted(ofWeight * statistic.weight) }
    let ofScores = ofScore.map { statistic.score.cotangents(of: [$0]) } ?? [:]
    var found = PairCotangents(self)
    if let ofProduct = ofScores[statistic.score.parameter(0)] { found.add(ofProduct: ofProduct, row: 0, column: 1) }
    if let ofScore { found.add(-ofScore, nil, isOfRow: true, to: 2) }
    found.addReads(of: statistic.score, ofScores, firstTable: 3, leading: 1, writer)
    return try found.finish(&writer, &self)
  }

  mutating func tangentsOfAttentionReduce(_ tangents: [ValueID?]) throws -> [ValueID?] {
    guard isSumOfWeights else {
      remarkDecomposition()
      return try Derivative.ofDecomposition.forward(&self, tangents)
    }
    let (products, terms) = tangentProducts([(row: 0, column: 1)], tangents)
    let statistic = try DifferentiatedStatistic(&self, products)
    let graph = rewriter.result
    var writer = statistic.writer
    let ofTables = Array(tangents.dropFirst(3))
    var sources = writer.tangents(ofReadsOf: statistic.score, ofTables, in: graph)
    sources[statistic.score.parameter(0)] = writer.sum(ofProducts: terms[0])
    var ofScore = statistic.score.tangents(sources)[0]
    if let tangent = tangents[2] {
      let ofRow = writer.ofRow(tangent, in: graph)
      ofScore = ofScore.map { $0 - ofRow } ?? -ofRow
    }
    var ofValues: [ScalarValue: ScalarExpression] = [:]
    if let ofScore { ofValues[statistic.value.parameter(0)] = ofScore * statistic.weight }
    guard let tangent = statistic.value.tangents(ofValues)[0] else { return [nil] }
    return [
      try writer.emit(scattering: statistic.counted(tangent), to: statistic.block, of: type(results[0]), &self)
    ]
  }
}

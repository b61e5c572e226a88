// Attention is differentiated from its logarithms of sums: weights are computed again where they are needed, and never stored.

/// An attention that is being differentiated, and what its derivative needs of each row.
private struct DifferentiatedAttention {
  let element: ElementType
  /// The batch dimensions, the queries and the keys.
  let extents: [Extent]
  /// Which pairs live.
  let liveness: PairWriter.Liveness
  /// What each row's scores are lessened by; nil where scores weigh.
  var shift: ValueID?
  /// Less the logarithm of what the row's exponentials are divided by, as a power of 2.
  var exponent: ValueID?

  init(_ context: inout Differentiation) throws {
    let score = context.regions[0]
    element = score.parameters[0].type.computed
    let (query, key) = (context.type(context.operands[0]).shape, context.type(context.operands[1]).shape)
    extents = query.extents.dropLast() + [key.extents[key.rank - 2]]
    var liveness = PairWriter.Liveness(region: context.regions[1], tables: Array(context.captured))
    if let offsets = context.captured(.ragged) {
      liveness.segments = try context.emit(.segmentIDs, offsets, stated: TensorType(.i32, [extents[extents.count - 2]]))
    }
    if score.results.count == 2 { liveness.areAllOfRow = try Self.emptyRows(&context, extents, element, liveness) }
    self.liveness = liveness
    guard !context.attributes.weighsByScore else { return }
    shift = context.result(.shift)!
    exponent = try context.emit(.multiply, context.result(.logDivisor)!, context.constant(-.log2e, element))
  }

  /// The rows without a live score above -inf: those whose dead pairs have scores.
  private static func emptyRows(
    _ context: inout Differentiation, _ extents: [Extent], _ element: ElementType, _ liveness: PairWriter.Liveness
  ) throws -> ValueID {
    let graph = context.rewriter.result
    var writer = PairWriter(
      extents, products: [(context.operands[0], context.operands[1])], element, liveness, in: graph)
    let score = writer.write(
      context.regions[0], leading: [writer.product(0)], tables: Array(context.captured), in: graph
    ).results[0]
    let one = score.constant(1.0)
    let counts = (score == -.infinity).select(score.constant(0.0), one)
    let sum = PairWriter.Sum(weight: counts, value: nil, isOfRow: true, element: element)
    let count = try writer.emit([sum], &context)[0]
    return try context.emit(.equal, count, context.constant(0, element))
  }

  /// The score of a pair: of a dead one in a row where those have scores, theirs.
  func score(_ function: DifferentiatedFunction, _ isDeadSeen: ScalarExpression?) -> ScalarExpression {
    guard let isDeadSeen else { return function.results[0] }
    return isDeadSeen.select(function.results[1], function.results[0])
  }

  /// The softmax weight of a pair of this score.
  func weight(_ score: ScalarExpression, _ writer: inout PairWriter, in graph: Graph) -> ScalarExpression {
    let (shift, exponent) = (writer.ofRow(shift!, in: graph), writer.ofRow(exponent!, in: graph))
    return (score - shift).multiplied(by: .log2e, adding: exponent).applying(.exp2)
  }
}

/// The scores and weights of an attention, written for a derivative.
private struct WrittenAttention {
  let score: DifferentiatedFunction
  let factor: DifferentiatedFunction?
  /// The softmax weight; nil where scores weigh.
  let probability: ScalarExpression?
  /// What weighs the value.
  let weight: ScalarExpression
  /// Whether a weight of 0 hides what the pair has.
  let isZero: ScalarExpression?
  /// For rows whose dead pairs have scores: whether the pair has that score.
  let isDeadSeen: ScalarExpression?

  init(
    _ attention: DifferentiatedAttention, _ writer: inout PairWriter, product: ScalarExpression, _ context: Differentiation
  ) {
    let (graph, tables) = (context.rewriter.result, Array(context.captured))
    score = writer.write(context.regions[0], leading: [product], tables: tables, in: graph)
    factor = context.regions.count > 2 ? writer.write(context.regions[2], leading: [], tables: tables, in: graph) : nil
    isDeadSeen = attention.liveness.areAllOfRow.map { writer.ofRow($0, in: graph) }
    let score = attention.score(score, isDeadSeen)
    guard !context.attributes.weighsByScore else {
      (probability, weight, isZero) = (nil, score, nil)
      return
    }
    let probability = attention.weight(score, &writer, in: graph)
    let isZero = probability == 0.0
    (self.probability, self.isZero) = (probability, isZero)
    weight = factor.map { isZero.select(probability, probability * $0.results[0]) } ?? probability
  }

  /// `value`, or 0 where the weight is 0.
  func whereCounted(_ value: ScalarExpression) -> ScalarExpression {
    isZero.map { $0.select(value.constant(0.0), value) } ?? value
  }

  /// A number for each of the values that the score region yields: this for the one that is the pair's score.
  func ofYields(_ value: ScalarExpression) -> [ScalarExpression?] {
    guard let isDeadSeen else { return [value] }
    let zero = value.constant(0.0)
    return [isDeadSeen.select(zero, value), isDeadSeen.select(value, zero)]
  }
}

extension Differentiation {
  /// Attributes that give the rows' logarithms to the derivative of an attention, and its output as it was before it was rounded.
  static func residualsOfAttention(_ attributes: Attributes, _ regions: [ScalarFunction]) -> [Attribute] {
    guard !attributes.weighsByScore else { return [] }
    let isNarrow = regions[0].parameters[0].type.byteCount == 2
    return [Attribute(.shifts, true)] + (isNarrow ? [Attribute(.unrounded, true)] : [])
  }

  /// The output in the type of its sums.
  private var wideOutput: ValueID { result(.unrounded) ?? result(.output)! }

  /// The sink in the type of the scores.
  fileprivate mutating func wideSink(_ element: ElementType) throws -> ValueID? {
    try captured(.sink).map { try widened($0, to: element) }
  }

  private mutating func remarkRecomputation() {
    remark(
      .note,
      attributes.weighsByScore
        ? "its derivative computes the scores again, tile by tile, and stores none"
        : "its derivative computes the weights again from the rows' maxima and logarithms of sums, tile by tile, and stores none")
  }

  // MARK: Reverse

  mutating func cotangentsOfAttention(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    let named = Dictionary(uniqueKeysWithValues: zip(op.resultNames(attributes)!, cotangents))
    func cotangent(_ name: ResultName) -> ValueID? { named[name] ?? nil }
    guard cotangent(.maximum) == nil, cotangent(.relativeLogSumExp) == nil else {
      remark(.declined, "a derivative of the rows' greatest scores is wanted: it is taken of the scores as a stored matrix")
      return try Derivative.ofDecomposition.reverse(&self, cotangents)
    }
    remarkRecomputation()
    let attention = try DifferentiatedAttention(&self)
    let (element, isSoftmax) = (attention.element, !attributes.weighsByScore)
    var ofOutput = cotangent(.output)
    if let ofUnrounded = cotangent(.unrounded) {
      ofOutput = try ofOutput.map { try emit(.add, widened($0, to: element), ofUnrounded) } ?? ofUnrounded
    }
    let ofWeightSum = cotangent(.weightSum)
    // What the cotangents of a row's weights have in common: their mean.
    var mean: ValueID?
    if isSoftmax {
      var terms: [ValueID] = []
      if let ofOutput { terms.append(try rowProduct(ofOutput, wideOutput, element)) }
      if let ofWeightSum { terms.append(try emit(.multiply, ofWeightSum, result(.weightSum)!)) }
      for name in [ResultName.logSumExp, .logDivisor] {
        if let ofLogarithm = cotangent(name) { terms.append(try emit(.negate, ofLogarithm)) }
      }
      mean = try total(terms)
    }

    let graph = rewriter.result
    let products = [(row: operands[0], column: operands[1])] + (ofOutput.map { [(row: $0, column: operands[2])] } ?? [])
    var writer = PairWriter(attention.extents, products: products, element, attention.liveness, in: graph)
    let pair = WrittenAttention(attention, &writer, product: writer.product(0), self)
    // The cotangent of what weighs the value.
    var ofWeight = ofOutput == nil ? nil : writer.product(1)
    if let ofWeightSum {
      let ofRow = writer.ofRow(ofWeightSum, in: graph)
      ofWeight = ofWeight.map { $0 + ofRow } ?? ofRow
    }
    var ofScore: ScalarExpression?
    if let probability = pair.probability {
      let ofProbability = pair.factor.flatMap { factor in ofWeight.map { $0 * factor.results[0] } } ?? ofWeight
      let less = mean.map { writer.ofRow($0, in: graph) }
      let difference = ofProbability.map { value in less.map { value - $0 } ?? value } ?? less.map { -$0 }
      ofScore = difference.map { pair.whereCounted(probability * $0) }
    } else {
      ofScore = ofWeight
    }

    var parts = PairCotangents(self)
    if let ofOutput { parts.add(pair.weight, ofOutput, isOfRow: false, to: 2) }
    let ofValues = ofScore.map { pair.score.cotangents(of: pair.ofYields($0)) } ?? [:]
    if let ofProduct = ofValues[pair.score.parameter(0)] { parts.add(ofProduct: ofProduct, row: 0, column: 1) }
    parts.addReads(of: pair.score, ofValues, firstTable: 3, leading: 1, writer)
    if let factor = pair.factor, let probability = pair.probability, let ofWeight {
      let ofFactor = factor.cotangents(of: [pair.whereCounted(probability * ofWeight)])
      parts.addReads(of: factor, ofFactor, firstTable: 3, leading: 0, writer)
    }
    var found = try parts.finish(&writer, &self)
    if let position = position(.sink), isWanted(position), let mean {
      let ofSink = try cotangentOfSink(attention, mean)
      found[position] = try found[position].map { try emit(.add, $0, ofSink) } ?? ofSink
    }
    return found
  }

  /// The weight of each row's sink.
  private mutating func weightOfSink(_ attention: DifferentiatedAttention) throws -> ValueID {
    let difference = try emit(.subtract, wideSink(attention.element)!, attention.shift!)
    let scaled = try emit(.multiply, difference, constant(.log2e, attention.element))
    return try emit(.exp2, emit(.add, scaled, attention.exponent!))
  }

  /// A sink weighs nothing: its cotangent is less the mean of the row's.
  private mutating func cotangentOfSink(_ attention: DifferentiatedAttention, _ mean: ValueID) throws -> ValueID {
    let product = try emit(.negate, emit(.multiply, weightOfSink(attention), mean))
    return try widened(product, to: type(captured(.sink)!).element)
  }

  // MARK: Forward

  mutating func tangentsOfAttention(_ tangents: [ValueID?]) throws -> [ValueID?] {
    guard result(.maximum) == nil, result(.relativeLogSumExp) == nil else {
      remark(.declined, "the rows' greatest scores are results: its derivative is taken of the scores as a stored matrix")
      return try Derivative.ofDecomposition.forward(&self, tangents)
    }
    let attention = try DifferentiatedAttention(&self)
    remarkRecomputation()
    let (element, isSoftmax, graph) = (attention.element, !attributes.weighsByScore, rewriter.result)
    let (products, terms) = tangentProducts([(row: 0, column: 1)], tangents)
    var writer = PairWriter(attention.extents, products: products, element, attention.liveness, in: graph)
    let pair = WrittenAttention(attention, &writer, product: writer.product(0), self)
    let ofTables = Array(tangents.dropFirst(3))
    var sources = writer.tangents(ofReadsOf: pair.score, ofTables, in: graph)
    sources[pair.score.parameter(0)] = writer.sum(ofProducts: terms[0])
    let ofYields = pair.score.tangents(sources)
    var ofScore = ofYields[0]
    if let isDeadSeen = pair.isDeadSeen, ofYields.contains(where: { $0 != nil }) {
      let zero = pair.weight.constant(0.0)
      ofScore = isDeadSeen.select(ofYields[1] ?? zero, ofYields[0] ?? zero)
    }
    let ofFactor = pair.factor.flatMap { factor in
      factor.tangents(writer.tangents(ofReadsOf: factor, ofTables, in: graph))[0]
    }
    // Softmax weights change by their score's tangent less the row's mean, which is subtracted from the sums.
    var ofWeight: ScalarExpression?
    var ofMean: ScalarExpression?
    if let probability = pair.probability {
      if let ofScore {
        ofMean = pair.whereCounted(probability * ofScore)
        ofWeight = pair.factor.map { pair.whereCounted(probability * ofScore * $0.results[0]) } ?? ofMean
      }
      if let ofFactor {
        let term = pair.whereCounted(probability * ofFactor)
        ofWeight = ofWeight.map { $0 + term } ?? term
      }
    } else {
      ofWeight = ofScore
    }
    return try finishTangents(
      attention, &writer, weight: pair.weight, ofWeight: ofWeight, ofMean: isSoftmax ? ofMean : nil, tangents)
  }

  /// The tangents of the results from those of weights and scores.
  private mutating func finishTangents(
    _ attention: DifferentiatedAttention, _ writer: inout PairWriter, weight: ScalarExpression, ofWeight: ScalarExpression?,
    ofMean: ScalarExpression?, _ tangents: [ValueID?]
  ) throws -> [ValueID?] {
    let element = attention.element
    var sums: [PairWriter.Sum] = []
    func add(_ weight: ScalarExpression, _ value: ValueID?) -> Int {
      sums.append(PairWriter.Sum(weight: weight, value: value, isOfRow: true, element: element))
      return sums.count - 1
    }
    var ofOutput: [Int] = []
    // Without values there are the rows' numbers alone.
    let hasValues = type(operands[2]).shape.extents.last! != 0
    if let ofWeight, hasValues { ofOutput.append(add(ofWeight, operands[2])) }
    if let tangent = tangents[2] { ofOutput.append(add(weight, tangent)) }
    let meanNumber = ofMean.map { add($0, nil) }
    let sumNumber = result(.weightSum) == nil ? nil : ofWeight.map { add($0, nil) }
    let values = try writer.emit(sums, &self)
    var mean = meanNumber.map { values[$0] }
    if let position = position(.sink), let tangent = tangents[position] {
      let term = try emit(.multiply, weightOfSink(attention), widened(tangent, to: element))
      mean = try mean.map { try emit(.add, $0, term) } ?? term
    }
    var found: [ResultName: ValueID?] = [:]
    var output = try total(ofOutput.map { values[$0] })
    if let mean, hasValues {
      let wide = try widened(wideOutput, to: element)
      let part = try emit(.multiply, wide, broadcast(mean, to: type(wide).shape, without: type(wide).rank - 1))
      output = try output.map { try emit(.subtract, $0, part) } ?? emit(.negate, part)
    }
    found[.output] = try output.map { try widened($0, to: type(results[0]).element) }
    found[.unrounded] = output
    // The shift counts as a constant, so that the logarithm has all of the change.
    (found[.logSumExp], found[.logDivisor]) = (mean, mean)
    if let weightSum = result(.weightSum) {
      var tangent = sumNumber.map { values[$0] }
      if let mean {
        let part = try emit(.multiply, weightSum, mean)
        tangent = try tangent.map { try emit(.subtract, $0, part) } ?? emit(.negate, part)
      }
      found[.weightSum] = tangent
    }
    return op.resultNames(attributes)!.map { found[$0] ?? nil }
  }
}

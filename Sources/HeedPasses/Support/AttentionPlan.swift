import HeedAnalysis
import HeedIR

/// Everything that fused attention is made of, found in a graph and not yet built.
struct AttentionPlan {
  let sum: WeightedSum
  /// The contract of queries and keys.
  let product: NodeID
  private(set) var query: ValueID
  let queryAxes: [AttentionAxis?]
  private(set) var key: ValueID
  let keyAxes: [AttentionAxis?]
  private(set) var values: ValueID
  let width: Extent
  /// The captured tensors, by number in the regions.
  var captured: [ValueID]
  let score: ScalarFunction
  let live: ScalarFunction
  /// What each weight is multiplied by after the softmax; nil for 1.
  let factor: ScalarFunction?
  /// The number of the captured tensor that holds segment offsets.
  let ragged: Int?
  /// What else the graph wants of scores and weights.
  let outputs: AttentionOutputs
  /// What was proved or folded, for the remark.
  var findings: [String]
  /// What a reader should know besides.
  var notes: [String] = []

  /// The most products below scores that are tried: more than any score is a sum of.
  private static let mostProducts = 8

  /// The plan for a weighted sum, by the first product below its scores that fits.
  /// - Throws: `Declined` where none does.
  static func make(_ sum: WeightedSum) throws -> AttentionPlan {
    let graph = sum.graph
    let operand = sum.weights.scores
    let candidates = graph.products(below: operand, atMost: mostProducts)
    var declined: Declined?
    for product in candidates {
      do {
        return try AttentionPlan(sum, product: product)
      } catch let error as Declined {
        declined = declined ?? error
      }
    }
    throw declined
      ?? Declined(
        value: sum.weights.softmax.map(graph.result) ?? operand,
        reason: "\(graph.label(operand)) is not computed from a product of queries and keys by elementwise ops and views"
          + (graph.rowOp(above: operand).map {
            ": \(graph.description(of: graph.results($0)[0])) needs whole rows of scores, which no kernel has at once"
          } ?? ""),
        instead: graph.rowOp(above: operand).flatMap(graph.adviceOnRows))
  }

  private init(_ sum: WeightedSum, product: NodeID) throws {
    let graph = sum.graph
    let (scores, operand) = (graph.result(product), sum.weights.scores)
    outputs = try AttentionOutputs(sum, product: product)

    // The score as scalar code.
    let (narrow, valueElement) = (graph.type(scores).element, graph.type(sum.values).element)
    // Weights of 16-bit scores may be widened to the values' type.
    let element = narrow.widens(to: valueElement) ? valueElement : narrow
    guard valueElement == narrow || valueElement.widens(to: narrow) || valueElement == narrow.computed else {
      throw Declined(
        value: sum.values, reason: "the values are \(valueElement), the scores \(narrow)", instead: "cast them to one type")
    }
    let indexType = sum.tables.indexType(below: sum.weights.changed ?? operand)
    let names = ScalarFunction.indexNames(batch: sum.batchCount)
    let parameters = [ScalarFunction.Parameter("s", element)] + names.map { ScalarFunction.Parameter($0, indexType) }
    var reader = TensorReader(
      graph: graph, scores: scores, indexType: indexType, region: FunctionBuilder(parameters: parameters, rules: .scores),
      tables: sum.tables, through: sum.node)
    let zero = reader.region.constant(0, indexType)
    func index(_ axis: AttentionAxis) -> ScalarValue {
      switch axis {
      case .batch(let number): ScalarValue(1 + number)
      case .row: ScalarValue(1 + sum.batchCount)
      case .column: ScalarValue(2 + sum.batchCount)
      case .width, .valueWidth: preconditionFailure("a width has no index")
      }
    }
    let value = try reader.read(operand, at: sum.axes.map { $0.map(index) ?? zero })

    // The product's dimensions, by the indices at which it was read.
    guard let indices = reader.scoreIndices else { preconditionFailure("a product below the scores was not read") }
    let scoreAxes = try Self.axes(ofScores: scores, readAt: indices, sum, index)
    let subscripts = graph.attributes(product).required(.subscripts)
    guard subscripts.over.count <= 1 else {
      throw Declined(
        value: scores, reason: "the product \(graph.label(scores)) sums over \(subscripts.over.count) dimensions, expected one",
        instead: "reshape them to one")
    }
    let axisOfLetter = Dictionary(uniqueKeysWithValues: zip(subscripts.result, scoreAxes))
    func axes(_ letters: [Character]) -> [AttentionAxis?] {
      letters.map { subscripts.over.contains($0) ? .width : axisOfLetter[$0]! }
    }
    let sides = [axes(subscripts.left), axes(subscripts.right)]
    let inputs = graph.inputs(product)
    guard let keySide = [0, 1].first(where: { sides[$0].contains(.column) && !sides[1 - $0].contains(.column) }),
      !sides[keySide].contains(.row)
    else {
      throw Declined(
        value: scores, reason: "the product \(graph.label(scores)) does not pair rows of one operand with rows of the other")
    }
    (self.sum, self.product) = (sum, product)
    (query, queryAxes) = (inputs[1 - keySide], sides[1 - keySide])
    (key, keyAxes) = (inputs[keySide], sides[keySide])
    values = sum.values
    width = keyAxes.firstIndex(of: .width).map { graph.type(inputs[keySide]).shape[$0] } ?? 1
    for (width, role) in [(width, "queries and keys"), (sum.valueWidth, "values")] where width.constant == nil {
      // Kernels keep whole rows of queries and of results in tiles, whose extents are numbers.
      throw Declined(
        value: graph.result(sum.node), reason: "the width \(width) of \(role) is not a constant",
        instead: "give it as a number")
    }

    // Mask and score apart.
    var parts = try ScoreParts(value, element, hasSoftmax: sum.weights.softmax != nil, region: reader.region)
    var region = parts.region
    var tables = reader.tables
    var offsets: ValueID?
    let isRowEmpty = try parts.written != nil && sum.canHaveEmptyRow(parts, parameters, tables)
    if !isRowEmpty { parts.written = nil }
    if outputs.rows.isEmpty, outputs.statistics.isEmpty, sum.weights.sink == nil { parts.simplifyWritten() }
    region = parts.region
    // Statistics, and rows without a live pair, go over the pairs of all segments.
    if outputs.statistics.isEmpty, !isRowEmpty,
      let position = parts.conditions.firstIndex(where: {
        region.isSameSegment($0, tables, graph, row: index(.row), column: index(.column)) != nil
      })
    {
      offsets = region.isSameSegment(parts.conditions[position], tables, graph, row: index(.row), column: index(.column))
      parts.conditions.remove(at: position)
    }
    var live = region.constant(Literal(true), .bool)
    for condition in parts.conditions { live = region.apply(.and, [live, condition]) }

    // The tables that are still read, then the offsets.
    let yielded = [parts.score] + (parts.written.map { [$0] } ?? [])
    let used = region.function.tables(of: yielded + [live]).sorted()
    let map = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    tables = used.map { tables[$0] }
    var declared = used.map { region.function.tables[$0] }
    func declare(_ value: ValueID) -> Int {
      if let known = tables.firstIndex(of: value) { return known }
      tables.append(value)
      declared.append(ScalarFunction.Table(graph.name(value), graph.type(value)))
      return tables.count - 1
    }
    ragged = offsets.map(declare)
    let factor = try AttentionFactor(sum, product: product, Array(parameters.dropFirst()), index: index)
    let factorMap = factor.map { factor in
      Dictionary(uniqueKeysWithValues: factor.readTables.map { ($0, declare(factor.tables[$0])) })
    }
    captured = tables
    score = region.function.extracting(
      yielded, parameters: parameters, numbers: Array(parameters.indices), tables: declared, tableMap: map)
    self.live = region.function.extracting(
      [live], parameters: Array(parameters.dropFirst()), numbers: Array(parameters.indices.dropFirst()), tables: declared,
      tableMap: map)
    self.factor = factor.map { $0.function(element, Array(parameters.dropFirst()), declared, factorMap!) }
    findings = []
    try checkActivation(isLinear: parts.isLinear && offsets == nil)
    findings = describe(offsets: offsets)
    takeWhatIsWidened()
    let (queries, read) = (graph.type(query).element, graph.type(values).element)
    guard read == queries || read.widens(to: queries) else {
      throw Declined(
        value: sum.values, reason: "the values are \(valueElement), the scores \(narrow)", instead: "cast them to one type")
    }
    notes = parts.notes(isRowEmpty: isRowEmpty)
    notes += [key, values].compactMap(graph.integersMadeFloats)
    for statistic in outputs.statistics { _ = try statistic.value(self, element.computed) }
    let scoreAlone = region.function.extracting(
      [parts.score], parameters: parameters, numbers: Array(parameters.indices), tables: declared, tableMap: map)
    if scoreAlone.instructions.contains(where: { $0.operation == .constant(Literal(-.infinity)) }) {
      notes.append("a mask stays in the score, which it depends on or is computed with: no tile is skipped for it")
    }
    for value in captured where graph.isAsLargeAsScores(value, sum) && graph.definingNode(value) != nil {
      notes.append(
        "\(graph.label(value)) is stored whole, as large as the scores: \(graph.definingOp(value)!.mnemonic) cannot be computed pair by pair"
      )
    }
  }

  /// What each dimension of the scores is, which were read at `indices`.
  private static func axes(
    ofScores scores: ValueID, readAt indices: [ScalarValue], _ sum: WeightedSum, _ index: (AttentionAxis) -> ScalarValue
  ) throws -> [AttentionAxis?] {
    let graph = sum.graph
    let allAxes = sum.batch + [.row, .column]
    let axes: [AttentionAxis?] = try zip(indices, graph.type(scores).shape.extents).map { scalar, extent in
      if let axis = allAxes.first(where: { index($0) == scalar }) { return axis }
      guard extent == 1 else {
        throw Declined(value: scores, reason: "the scores \(graph.label(scores)) are read at computed places")
      }
      return nil
    }
    for (axis, extent) in zip(axes, graph.type(scores).shape.extents) {
      guard let count = axis.map({ sum.extent($0, width: 1) }), !extent.isEqual(to: count, given: graph.facts) else { continue }
      throw Declined(
        value: scores, reason: "the scores \(graph.label(scores)) are read in part: \(count) of \(extent) places of a dimension")
    }
    let known = axes.compactMap { $0 }
    guard Set(known).count == known.count else {
      throw Declined(value: scores, reason: "the scores \(graph.label(scores)) are read along a diagonal")
    }
    return axes
  }

  /// Operands that are widened are taken as they are, 16-bit queries where keys and values are of their type: the op widens them itself.
  private mutating func takeWhatIsWidened() {
    let graph = sum.graph
    let narrow = [query, key, values].compactMap(graph.widened)
    if narrow.count == 3, let element = narrow.first.map({ graph.type($0).element }), element.byteCount == 2,
      graph.type(query).element == .f32, narrow.allSatisfy({ graph.type($0).element == element })
    {
      (query, key, values) = (narrow[0], narrow[1], narrow[2])
      findings.append("it takes \(element) and sums in f32")
      return
    }
    let (keys, summed) = (graph.exactSource(key), graph.exactSource(values))
    (key, values) = (keys ?? key, summed ?? values)
    for (role, value) in [("keys", keys), ("values", summed)] {
      if let value { findings.append("it reads \(role) as \(graph.type(value).element)") }
    }
  }

  /// Two products with elementwise ops between are attention only where keys and values are data, as queries are, and the ops are
  /// not linear. A feed-forward layer and linear attention are better left as they are.
  private func checkActivation(isLinear: Bool) throws {
    guard sum.weights.softmax == nil else { return }
    let graph = sum.graph
    func decline(_ reason: String) -> Declined { Declined(value: graph.result(sum.node), reason: reason) }
    if isLinear, outputs.weightSums.isEmpty { throw decline("the weights are a linear function of the scores") }
    if sum.tables.isKnownAtLoad(key) || sum.tables.isKnownAtLoad(values) { throw decline("keys or values are parameters") }
    for value in captured where graph.isAsLargeAsScores(value, sum) && graph.definingNode(value) != nil {
      throw decline("\(graph.label(value)) is as large as the scores")
    }
    let isMasked = live.constant(live.results[0]) == nil
    let isBatched = sum.batch.allSatisfy { keyAxes.contains($0) || !queryAxes.contains($0) } && sum.batchCount > 0
    guard sum.columnExtent.constant == nil || isMasked || isBatched else { throw decline("the keys are a matrix of known size") }
  }
}

extension WeightedSum {
  /// Whether some row may have no live pair, as far as is known before a call.
  fileprivate func canHaveEmptyRow(
    _ parts: ScoreParts, _ parameters: [ScalarFunction.Parameter], _ tables: [ValueID]
  ) throws -> Bool {
    var region = parts.region
    let live = parts.conditions.reduce(region.truth(true)) { region.apply(.and, [$0, $1]) }
    let condition = region.function.extracting(
      [live], parameters: Array(parameters.dropFirst()), numbers: Array(parameters.indices.dropFirst()),
      tables: region.function.tables, tableMap: Dictionary(uniqueKeysWithValues: tables.indices.map { ($0, $0) }))
    return try MaskAnalysis(condition).emptyRows(hasOwnKeys: rowExtent.isEqual(to: columnExtent, given: graph.facts)) == nil
  }
}

extension FunctionBuilder {
  /// The offsets whose segments the condition compares, where it says that row and column lie in one segment.
  fileprivate func isSameSegment(
    _ condition: ScalarValue, _ tables: [ValueID], _ graph: Graph, row: ScalarValue, column: ScalarValue
  ) -> ValueID? {
    guard let pair = match(condition, .equal), let left = function.instruction(pair[0]), let right = function.instruction(pair[1]),
      case .element(let table) = left.operation, left.operation == right.operation,
      Set([left.operands, right.operands]) == [[row], [column]],
      let inputs = graph.match(tables[table], .segmentIDs)
    else { return nil }
    return inputs[0]
  }
}

extension ScalarFunction {
  /// Names for the index parameters of attention's regions: batch dimensions, query, key.
  static func indexNames(batch: Int) -> [Name] {
    let batchNames: [Name] =
      switch batch {
      case 0...3: Array((["b", "h", "g"] as [Name]).prefix(batch))
      default: (0..<batch).map { Name("b\($0)") }
      }
    return batchNames + ["i", "j"]
  }
}

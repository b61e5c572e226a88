import HeedIR

/// Everything that fused attention is made of, found in a graph and not yet built.
struct AttentionPlan {
  let sum: WeightedSum
  private(set) var query: ValueID
  let queryAxes: [AttentionAxis?]
  private(set) var key: ValueID
  let keyAxes: [AttentionAxis?]
  private(set) var values: ValueID
  let width: Extent
  /// The captured tensors, by number in the regions.
  var captured: [TensorReader.Table]
  let score: ScalarFunction
  let live: ScalarFunction
  /// The number of the captured tensor that holds segment offsets.
  let ragged: Int?
  /// What was proved or folded, for the remark.
  var findings: [String]
  /// What a reader should know besides.
  var notes: [String] = []

  /// The plan for a weighted sum, by the first product below its softmax that fits.
  /// - Throws: `Declined` where none does.
  static func make(_ sum: WeightedSum) throws -> AttentionPlan {
    let graph = sum.graph
    let operand = graph.inputs(sum.softmax)[0]
    let candidates = graph.products(below: operand)
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
        value: graph.result(sum.softmax),
        reason: "\(graph.label(operand)) is not computed from a product of queries and keys by elementwise ops and views")
  }

  private init(_ sum: WeightedSum, product: NodeID) throws {
    let graph = sum.graph
    let (scores, operand) = (graph.result(product), graph.inputs(sum.softmax)[0])
    try Self.checkUses(graph, from: product, to: sum)

    // The score as scalar code.
    let element = graph.type(scores).element
    guard element == graph.type(sum.values).element else {
      throw Declined(value: sum.values, reason: "the values are \(graph.type(sum.values).element), the scores \(element)")
    }
    let indexType = graph.indexType(below: operand)
    let names = ScalarFunction.indexNames(batch: sum.batchCount)
    let parameters = [ScalarFunction.Parameter("s", element)] + names.map { ScalarFunction.Parameter($0, indexType) }
    var reader = TensorReader(graph: graph, scores: scores, indexType: indexType, region: RegionBuilder(parameters: parameters))
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
    let allAxes = sum.batch + [.row, .column]
    guard let indices = reader.scoreIndices else { preconditionFailure("a product below the softmax was not read") }
    let scoreAxes: [AttentionAxis?] = try zip(indices, graph.type(scores).shape.extents).map { scalar, extent in
      if let axis = allAxes.first(where: { index($0) == scalar }) { return axis }
      guard extent == 1 else {
        throw Declined(value: scores, reason: "the scores \(graph.label(scores)) are read at computed places")
      }
      return nil
    }
    for (axis, extent) in zip(scoreAxes, graph.type(scores).shape.extents) {
      guard let count = axis.map({ sum.extent($0, width: 1) }), !extent.isEqual(to: count, given: graph.facts) else { continue }
      throw Declined(
        value: scores, reason: "the scores \(graph.label(scores)) are read in part: \(count) of \(extent) places of a dimension")
    }
    let known = scoreAxes.compactMap { $0 }
    guard Set(known).count == known.count else {
      throw Declined(value: scores, reason: "the scores \(graph.label(scores)) are read along a diagonal")
    }
    let subscripts = graph.attributes(product).subscripts
    guard subscripts.over.count <= 1 else {
      throw Declined(
        value: scores, reason: "the product \(graph.label(scores)) sums over \(subscripts.over.count) dimensions, expected one")
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
    self.sum = sum
    (query, queryAxes) = (inputs[1 - keySide], sides[1 - keySide])
    (key, keyAxes) = (inputs[keySide], sides[keySide])
    values = sum.values
    width = keyAxes.firstIndex(of: .width).map { graph.type(inputs[keySide]).shape[$0] } ?? 1
    for (width, role) in [(width, "queries and keys"), (sum.valueWidth, "values")] where width.constant == nil {
      // Kernels keep whole rows of queries and of results in tiles, whose extents are numbers.
      throw Declined(value: graph.result(sum.node), reason: "the width \(width) of \(role) is no number")
    }

    // Mask and score apart.
    var split = MaskSplit(region: reader.region)
    let parts = try split.split(value)
    var region = split.region
    var tables = reader.tables
    var scoreValue = parts.score
    var conditions: [ScalarValue] = []
    for condition in region.conjuncts(parts.live) {
      if region.function.parameters(of: condition).contains(0) {
        // It depends on the score itself, so no tile can be skipped for it.
        scoreValue = try region.apply(
          .select, [condition, scoreValue, region.constant(-.infinity, region.function.type(scoreValue))])
      } else if !conditions.contains(condition) {
        conditions.append(condition)
      }
    }
    var offsets: ValueID?
    if let position = conditions.firstIndex(where: {
      region.isSameSegment($0, tables, graph, row: index(.row), column: index(.column)) != nil
    }) {
      offsets = region.isSameSegment(conditions[position], tables, graph, row: index(.row), column: index(.column))
      conditions.remove(at: position)
    }
    scoreValue = try region.apply(.convert, [scoreValue], type: element)
    var live = region.constant(Literal(true), .bool)
    for condition in conditions { live = try region.apply(.and, [live, condition]) }

    // The tables that are still read, then the offsets.
    let used = region.function.tables(of: [scoreValue, live]).sorted()
    let map = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    tables = used.map { tables[$0] }
    var declared = used.map { region.function.tables[$0] }
    if let offsets {
      ragged = tables.firstIndex(of: .value(offsets)) ?? tables.count
      if ragged == tables.count {
        tables.append(.value(offsets))
        declared.append(ScalarFunction.Table(graph.name(offsets), graph.type(offsets)))
      }
    } else {
      ragged = nil
    }
    captured = tables
    score = try region.function.extracting(
      [scoreValue], parameters: parameters, numbers: Array(parameters.indices), tables: declared, tableMap: map)
    self.live = try region.function.extracting(
      [live], parameters: Array(parameters.dropFirst()), numbers: Array(parameters.indices.dropFirst()), tables: declared,
      tableMap: map)
    findings = []
    findings = describe(offsets: offsets)
    takeWhatIsWidened()
    notes = split.notes
    if score.instructions.contains(where: { $0.operation == .constant(Literal(-.infinity)) }) {
      notes.append("a mask stays in the score, which it depends on or is computed with: no tile is skipped for it")
    }
    for case .value(let value) in captured where graph.isAsLargeAsScores(value, sum) && graph.definingNode(value) != nil {
      notes.append(
        "\(graph.label(value)) is stored whole, as large as the scores: \(graph.definingOp(value)!.mnemonic) cannot be computed pair by pair"
      )
    }
  }

  /// 16-bit operands that are all widened to f32 are taken as they are: the op widens them itself.
  private mutating func takeWhatIsWidened() {
    let graph = sum.graph
    let narrow = [query, key, values].compactMap(graph.widened)
    guard narrow.count == 3, let element = narrow.first.map({ graph.type($0).element }), element.byteCount == 2,
      graph.type(query).element == .f32, narrow.allSatisfy({ graph.type($0).element == element })
    else { return }
    (query, key, values) = (narrow[0], narrow[1], narrow[2])
    findings.append("it takes \(element) and sums in f32")
  }

  /// Checks that nothing between the product and the weighted sum is used elsewhere.
  private static func checkUses(_ graph: Graph, from product: NodeID, to sum: WeightedSum) throws {
    let users = graph.users()
    let inside = graph.dependents(of: graph.result(product))
    var needed: Set<NodeID> = [sum.node]
    for node in graph.body.reversed() where needed.contains(node) {
      for operand in graph.operands(node) {
        if let producer = graph.definingNode(operand), inside.contains(producer) || producer == product { needed.insert(producer) }
      }
    }
    for node in graph.body where needed.contains(node) && node != sum.node {
      let value = graph.result(node)
      let role = node == sum.softmax ? "the probabilities" : "the scores"
      if graph.results.contains(value) {
        throw Declined(value: value, reason: "\(role) \(graph.label(value)) are returned by the graph")
      }
      if let other = users[Int(value.index)].first(where: { !needed.contains($0) }) {
        throw Declined(
          value: value, reason: "\(role) \(graph.label(value)) are used by \(graph.label(graph.results(other)[0])) as well")
      }
    }
  }
}

extension RegionBuilder {
  /// The offsets whose segments the condition compares, where it says that row and column lie in one segment.
  fileprivate func isSameSegment(
    _ condition: ScalarValue, _ tables: [TensorReader.Table], _ graph: Graph, row: ScalarValue, column: ScalarValue
  ) -> ValueID? {
    guard let pair = match(condition, .equal), let left = function.instruction(pair[0]), let right = function.instruction(pair[1]),
      case .element(let table) = left.operation, left.operation == right.operation,
      Set([left.operands, right.operands]) == [[row], [column]],
      case .value(let ids) = tables[table], let inputs = graph.match(ids, .segmentIDs)
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

extension Graph {
  /// The contracts from which `value` is computed by elementwise ops and views, nearest first.
  func products(below value: ValueID) -> [NodeID] {
    var found: [NodeID] = []
    var seen: Set<NodeID> = []
    var pending = [value][...]
    while let next = pending.popFirst() {
      guard let node = definingNode(next), seen.insert(node).inserted else { continue }
      let op = op(node)
      if op === Op.contract { found.append(node) } else if op.has(.elementwise) || op.has(.view) { pending += operands(node) }
    }
    return found
  }

  /// i64 where an index below `value` is of that type, else i32.
  func indexType(below value: ValueID) -> ElementType {
    var seen: Set<NodeID> = []
    var pending = [value]
    while let next = pending.popLast() {
      guard let node = definingNode(next), op(node) !== Op.contract, seen.insert(node).inserted else { continue }
      if op(node) === Op.iota, type(next).element == .i64 { return .i64 }
      pending += operands(node)
    }
    return .i32
  }

  /// Whether `value` has an element for each query and key.
  func isAsLargeAsScores(_ value: ValueID, _ sum: WeightedSum) -> Bool {
    let extents = type(value).shape.extents
    guard let row = extents.firstIndex(of: sum.rowExtent) else { return false }
    return extents[(row + 1)...].contains(sum.columnExtent) || extents[..<row].contains(sum.columnExtent)
  }
}

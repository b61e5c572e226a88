import HeedIR

extension LoweringRule {
  /// Fused attention: one pass over the keys with a running maximum and sum, so that no score matrix is stored.
  ///
  /// For each block of query rows: the scores of a block of keys in scratch memory, the score and where regions on them, the running
  /// maximum, the weights 2^(score - maximum), and their product with the values added to an accumulator that is rescaled when the
  /// maximum moves. Keys are packed once into panels. (Online softmax: Milakov and Gimelshein 2018; tiling: Dao et al. 2022.)
  static let fusedTiles = LoweringRule { context, node in
    try context.requireCompiledTypes(node)
    var lowering = try AttentionLowering(&context, node)
    try lowering.emit(&context)
  }
}

/// The state of lowering one attention op.
struct AttentionLowering {
  let node: NodeID
  let element: ElementType
  let batchRank: Int
  let batch: [Extent]
  let queries: Extent
  let keys: Extent
  let depth: Extent
  let valueWidth: Extent
  let facts: [Fact]
  let score: ScalarFunction
  let condition: ScalarFunction
  /// log2(e) times the scale, where the score region only scales; it is then folded into the query.
  let foldedScale: Double?
  let isMasked: Bool
  /// The number of the captured tensor that holds segment offsets.
  let offsetsTable: Int?

  let rowBlock: Int
  let keyBlock: Int
  let panelWidth: Int

  var builder: KernelBuilder
  let query: BoundView
  let key: BoundView
  let value: BoundView
  let tables: [BoundSource]
  let output: BoundView
  let panels: Place
  /// The batch dimensions along which keys differ; the others share panels.
  let panelDimensions: [Int]
  let segmentCount: Extent

  static let log2e = 1.4426950408889634

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    self.node = node
    facts = graph.facts
    let operands = Array(graph.operands(node))
    let types = operands.map(graph.type)
    let rank = types[0].rank
    element = types[0].element
    batchRank = rank - 2
    batch = Array(types[0].shape.extents.prefix(rank - 2))
    (queries, depth) = (types[0].shape[rank - 2], types[0].shape[rank - 1])
    keys = types[1].shape[rank - 2]
    valueWidth = types[2].shape[rank - 1]
    (score, condition) = (graph.regions(node).first!, graph.regions(node).last!)
    foldedScale = score.scaleOfFirstParameter.map { $0 * Self.log2e }
    isMasked = condition.constant(condition.results[0])?.integer != 1
    let attributes = graph.attributes(node)
    offsetsTable = attributes["ragged"] == nil ? nil : attributes.integer("ragged")

    panelWidth = 3 * context.target.lanes(of: element)
    let tile = attributes["tile"] == nil ? [96, 8 * panelWidth] : attributes.integers("tile")
    rowBlock = max(1, tile[0])
    keyBlock = (tile[1] + panelWidth - 1) / panelWidth * panelWidth

    let views = try operands.prefix(3).map { try context.view($0) }
    var sources = operands.dropFirst(3).map { context.source($0) }
    if let offsetsTable {
      sources[offsetsTable] = .view(try context.offsets(operands[3 + offsetsTable], total: queries))
      segmentCount = types[3 + offsetsTable].shape[0] - 1
    } else {
      segmentCount = 1
    }
    // Indices of 32 bits count no further.
    if (score.parameters + condition.parameters).contains(where: { $0.type == .i32 }) {
      for extent in [queries, keys] where extent.constant == nil {
        context.addCheck(.range(start: 0, stop: extent, extent: Extent(1 << 31)))
      }
    }
    let result = context.allocateResult(node)
    builder = KernelBuilder("attention")
    (query, key, value) = (builder.input(views[0]), builder.input(views[1]), builder.input(views[2]))
    var bound: [BoundSource] = []
    for source in sources { bound.append(builder.input(source)) }
    tables = bound
    output = builder.output(result)
    let key = key
    panelDimensions = (0..<batchRank).filter { key.kept.contains($0) }
    let batch = batch
    // A segment's panels begin at floor(offset / width) + segment: one spare panel for each segment keeps them apart.
    let panelCount =
      offsetsTable == nil ? keys.dividedRoundingUp(by: panelWidth) : keys.dividedRoundingDown(by: panelWidth) + segmentCount
    panels = builder.workspace(
      "panels", TensorType(element, Shape(panelDimensions.map { batch[$0] } + [panelCount, depth, Extent(panelWidth)])))
  }

  mutating func emit(_ context: inout LoweringContext) throws {
    if offsetsTable == nil {
      packKeys()
      try attend(context: &context)
    } else {
      // The blocks of a segment stand at floor(offset / rows) + segment in a table: its number, or -1 in the spare places.
      let blocks = queries.dividedRoundingDown(by: rowBlock) + segmentCount
      let table = builder.workspace("blocks", TensorType(.i32, [blocks]))
      numberBlocks(table)
      packSegmentKeys()
      try attendSegments(table, blocks, context: &context)
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

extension ScalarFunction {
  /// c, where the function gives its first parameter times the constant c.
  fileprivate var scaleOfFirstParameter: Double? {
    let result = results[0]
    if result == parameter(0) { return 1 }
    guard let instruction = instruction(result), case .elementwise(let opcode) = instruction.operation else { return nil }
    let operands = instruction.operands
    switch opcode {
    case Op.multiply.opcode:
      if operands[0] == parameter(0) { return constant(operands[1])?.real }
      if operands[1] == parameter(0) { return constant(operands[0])?.real }
      return nil
    case Op.divide.opcode: return operands[0] == parameter(0) ? constant(operands[1]).map { 1 / $0.real } : nil
    default: return nil
    }
  }
}

import HeedAnalysis
import HeedIR

extension LoweringRule {
  /// Fused attention: one pass over the keys with a running maximum and sum, so that no score matrix is stored.
  ///
  /// For each block of query rows: the scores of a block of keys in scratch memory, the score and where regions on them, the running
  /// maximum, the weights 2^(score - maximum), and their product with the values added to an accumulator that is rescaled when the
  /// maximum moves. Keys are packed once into panels. (Online softmax: Milakov and Gimelshein 2018; tiling: Dao et al. 2022.)
  static let fusedTiles = LoweringRule { context, node in
    var lowering = try AttentionLowering(&context, node)
    try lowering.emit(&context)
  }
}

/// The state of lowering one attention op.
struct AttentionLowering {
  let node: NodeID
  let types: AttentionTypes
  let batchRank: Int
  let batch: [Extent]
  let queries: Extent
  let keys: Extent
  let depth: Extent
  let valueWidth: Extent
  let facts: [Fact]
  let score: ScalarFunction
  let condition: ScalarFunction
  /// What is known of the condition.
  let mask: MaskAnalysis
  let scaling: ScoreScaling
  let isMasked: Bool
  /// The interval extension of the condition.
  let twin: IntervalExtension
  /// Whether scores weigh the values as they are: no softmax.
  let weighsByScore: Bool
  /// The number of the captured tensor that holds segment offsets.
  let offsetsTable: Int?
  /// The number of the captured tensor that holds a further score a row.
  let sinkTable: Int?

  let rowBlock: Int
  let keyBlock: Int
  /// The queries and keys of a granule of the mask.
  let queryGranule: Int
  let keyGranule: Int
  /// The bounds of the mask's key terms, by their numbers.
  var summaries: [Int: KeySummary] = [:]
  let panelWidth: Int

  var builder: KernelBuilder
  let query: BoundView
  let key: BoundRows
  let value: BoundRows
  let tables: [BoundSource]
  let output: BoundView
  /// What is given of each row besides.
  let rowOutputs: RowOutputs
  /// The keys of the greatest weights, where those are asked for.
  let indexOutput: BoundView?
  /// Whether keys and values can be read by vectors as they are stored.
  let readsInPlace: Bool
  /// All keys and values, packed; nil where blocks of rows pack those that they see, and where few rows read them as they are stored.
  private(set) var packed: PackedKeys?
  /// Whether values are packed too: the products cannot read them as they are.
  let packsValues: Bool
  /// The batch dimensions along which keys differ; the others share panels.
  let panelDimensions: [Int]
  let segmentCount: Extent
  /// Whether live tiles are only counted.
  let classifiesOnly: Bool

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    self.node = node
    classifiesOnly = context.classifiesOnly
    facts = graph.facts
    let operands = Array(graph.operands(node))
    let shapes = operands.map { graph.type($0).shape }
    let rank = shapes[0].rank
    batchRank = rank - 2
    batch = Array(shapes[0].extents.prefix(rank - 2))
    (queries, depth) = (shapes[0][rank - 2], shapes[0][rank - 1])
    keys = shapes[1][rank - 2]
    // Statistics of the weights have the logarithms of the rows' sums in the place of values.
    let isStatistic = graph.op(node) != .attention
    valueWidth = isStatistic ? 0 : shapes[2][rank - 1]
    let regions = Array(graph.regions(node))
    (score, condition) = (regions[0], regions[1])
    types = AttentionTypes(operands: graph.type(operands[0]).element, score: score.parameters[0].type, on: context.target)
    mask = try MaskAnalysis(condition)
    twin = mask.interval
    let attributes = graph.attributes(node)
    weighsByScore = attributes.weighsByScore
    scaling = weighsByScore || isStatistic ? .region : ScoreScaling(score, types)
    isMasked = !mask.isAlwaysTrue
    (offsetsTable, sinkTable) = (attributes.optionalInteger("ragged"), attributes.optionalInteger("sink"))

    panelWidth = 3 * context.target.lanes(of: types.accumulator)
    let tile = attributes[.tile] ?? [96, 8 * panelWidth]
    rowBlock = max(1, tile[0])
    keyBlock = (tile[1] + panelWidth - 1) / panelWidth * panelWidth

    queryGranule = Self.granule(dividing: rowBlock)
    keyGranule = Self.granule(dividing: panelWidth)

    let queryView = try context.view(operands[0])
    let (keySource, valueSource) = (try context.rowSource(operands[1]), try context.rowSource(operands[2]))
    var sources = operands.dropFirst(3).map { context.source($0) }
    if let offsetsTable {
      sources[offsetsTable] = .view(try context.offsets(operands[3 + offsetsTable], total: queries))
      segmentCount = shapes[3 + offsetsTable][0] - 1
    } else {
      segmentCount = 1
    }
    // Indices of 32 bits count no further.
    if (score.parameters + condition.parameters).contains(where: { $0.type == .i32 }) {
      for extent in [queries, keys] where extent.constant == nil {
        context.addCheck(.range(start: 0, stop: extent, extent: Extent(1 << 31)))
      }
    }
    let results = graph.results(node).indices.map { context.allocateResult(node, $0) }
    builder = KernelBuilder(Name(graph.op(node).mnemonic))
    // Pairs go beyond an odd width.
    query = builder.input(queryView, guarding: types.isPaired ? [batchRank + 1] : [])
    (key, value) = (BoundRows(keySource, &builder), BoundRows(valueSource, &builder))
    var bound: [BoundSource] = []
    for source in sources { bound.append(builder.input(source)) }
    tables = bound
    output = builder.output(results[0])
    rowOutputs = RowOutputs(attributes, isStatistic ? [] : results.dropFirst(), &builder)
    indexOutput = isStatistic && results.count > 1 ? builder.output(results[1], name: "indices") : nil
    let (key, value) = (key, value)
    panelDimensions = (0..<batchRank).filter { key.kept.contains($0) || !isStatistic && value.kept.contains($0) }
    // A segment's panels begin at floor(offset / width) + segment: one spare panel for each segment keeps them apart.
    let panelCount =
      offsetsTable == nil ? keys.dividedRoundingUp(by: panelWidth) : keys.dividedRoundingDown(by: panelWidth) + segmentCount
    readsInPlace = !isStatistic && key.hasUnitColumns && value.hasUnitColumns
    packsValues = !isStatistic && (types.isPaired || !value.hasUnitColumns || value.isPaged)
    let packsBands =
      !isStatistic && offsetsTable == nil && !key.isPaged && !value.isPaged && mask.keysOfQueries.hasLowerEnd
    if packsBands || fewRowsOccur == .always { return }
    let batch = batch
    let leading = panelDimensions.map { batch[$0] }
    let keyShape = [panelCount] + types.unitShape(depth, by: Extent(panelWidth))
    let panels = builder.workspace("panels", TensorType(types.factor, Shape(leading + keyShape)))
    let valueShape = types.unitShape(panelCount * Extent(panelWidth), by: valueWidth)
    packed = PackedKeys(
      panels: panels,
      values: packsValues ? builder.workspace("values", TensorType(types.factor, Shape(leading + valueShape))) : nil)
  }

  mutating func emit(_ context: inout LoweringContext) throws {
    try describeMask(context: &context)
    allocateSummaries()
    try summarizeKeys()
    if offsetsTable == nil {
      if fewRowsOccur != .always {
        if let packed {
          if !classifiesOnly { pack(packed) }
          try attend(packed, context: &context)
        } else {
          try attendBands(context: &context)
        }
      }
      if fewRowsOccur != .never { try attendFewRows(context: &context) }
    } else {
      // The blocks of a segment stand at floor(offset / rows) + segment in a table: its number, or -1 in the spare places.
      let blocks = queries.dividedRoundingDown(by: rowBlock) + segmentCount
      let table = builder.workspace("blocks", TensorType(.i32, [blocks]))
      numberBlocks(table)
      if !classifiesOnly { packSegments(packed!) }
      try attendSegments(table, blocks, packed!, context: &context)
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

import HeedAnalysis
import HeedIR
import HeedSchedule

/// The scores of one attention op, bound to the kernel that is being built: what attention and the statistics of its weights share.
///
/// What is done with a tile of scores is a visitor's (Visitors); which tiles are visited, and in which order, is the traversal's
/// (Traversal); sizes are the schedule's.
struct ScoreKernel: PairKernel {
  let builder: KernelBuilder
  let shape: AttentionShape
  let types: AttentionTypes
  let schedule: AttentionSchedule
  /// Which pairs live, and all that is known of that before they are looked at.
  let mask: MaskAnalysis
  /// The score of a pair from the product of its query and its key.
  let score: ScalarFunction
  /// The score of a dead pair, for rows without a live one; nil where such a row is 0.
  let scoreOfDead: ScalarFunction?
  let scaling: ScoreScaling
  let query: BoundView
  let key: BoundRows
  /// The captured tensors that the regions read.
  let tables: [BoundSource]
  /// Where the segments of a ragged batch begin; nil where the batch is not ragged.
  let offsets: BoundView?
  let segmentCount: Extent

  /// Indices of 32 bits count no further.
  static let mostOfNarrowIndex = Extent(1 << 31)
}

/// The operands of an op on attention's scores, bound to a kernel.
struct BoundAttention {
  let kernel: ScoreKernel
  /// The third operand: values, or for statistics the logarithms of the rows' sums.
  let third: BoundRows
  /// Where the op's results go.
  let results: [ResultName: StridedView]
}

extension BoundAttention {
  /// Binds the operands of `node` and chooses its schedule.
  /// - Throws: where a head width is not a constant.
  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    let operands = Array(graph.operands(node))
    let (attributes, regions) = (graph.attributes(node), Array(graph.regions(node)))
    let isStatistic = graph.op(node) != .attention
    let shapes = operands.prefix(3).map { graph.type($0).shape }
    let rank = shapes[0].rank
    let (queries, keys) = (shapes[0][rank - 2], shapes[1][rank - 2])
    guard let depth = shapes[0][rank - 1].constant, let width = isStatistic ? 0 : shapes[2][rank - 1].constant else {
      throw context.unsupported(node, "the head widths must be constants")
    }
    guard max(depth, width) <= AttentionShape.mostWidths, depth + width <= AttentionShape.mostWidths else {
      throw context.unsupported(
        node, "got heads of \(depth) and \(width) components, expected at most \(AttentionShape.mostWidths) together")
    }
    let types = AttentionTypes(
      operands: operands.prefix(isStatistic ? 2 : 3).map { graph.type($0).element }, score: regions[0].parameters[0].type,
      on: context.target)
    let mask = try MaskAnalysis(regions[1])
    let scores = regions[0].results.map { regions[0].yielding($0) }
    let scoreOfDead = scores.dropFirst().first
    let showsMaximum = attributes.isSet(.maximum)
    let scaling =
      attributes.weighsByScore || isStatistic
      ? ScoreScaling.region : ScoreScaling(scores[0], ofDead: scoreOfDead, showsMaximum: showsMaximum, types)
    let queryView = try context.view(operands[0])
    let (keySource, thirdSource) = (try context.rowSource(operands[1]), try context.rowSource(operands[2]))
    let (offsetsTable, sources, segmentCount) = try Self.captured(&context, node, queries)
    if regions.flatMap(\.parameters).contains(where: { $0.type == .i32 }) {
      for extent in [queries, keys] where extent.constant == nil {
        context.addCheck(.range(start: 0, stop: extent, extent: ScoreKernel.mostOfNarrowIndex))
      }
    }
    results = context.allocateResults(node)

    let builder = KernelBuilder(graph.op(node))
    // Pairs go beyond an odd width.
    let query = builder.input(queryView, guarding: types.isPaired ? [rank - 1] : [])
    let (key, third) = (BoundRows(keySource, builder), BoundRows(thirdSource, builder))
    let tables = sources.map { builder.input($0) }
    let shape = AttentionShape(
      batch: Array(shapes[0].extents.prefix(rank - 2)), queries: queries, keys: keys, depth: depth, valueWidth: width,
      panelDimensions: (0..<rank - 2).filter { key.kept.contains($0) || !isStatistic && third.kept.contains($0) },
      facts: graph.facts)
    let schedule = AttentionSchedule(
      AttentionSchedule.Problem(
        tile: attributes.tile, accumulator: types.accumulator, factor: types.factor, isStatistic: isStatistic,
        keysHaveFirst: mask.keysOfQueries.hasLowerEnd, extents: AttentionSchedule.Extents(shape),
        layout: AttentionSchedule.Layout(
          isRagged: offsetsTable != nil, isPaged: key.isPaged || third.isPaged,
          readsInPlace: key.hasUnitColumns && third.hasUnitColumns,
          packsValues: !isStatistic && (types.isPaired || !third.hasUnitColumns || third.isPaged))),
      on: context.target)
    context.note(schedule, of: node)
    var offsets: BoundView?
    if let offsetsTable, case .view(let view) = tables[offsetsTable] { offsets = view }
    self.third = third
    kernel = ScoreKernel(
      builder: builder, shape: shape, types: types, schedule: schedule, mask: mask, score: scores[0],
      scoreOfDead: scoreOfDead, scaling: scaling,
      query: query, key: key, tables: tables, offsets: offsets, segmentCount: segmentCount)
  }

  /// The captured tensors, the number of the one that holds segment offsets, and the number of segments.
  private static func captured(
    _ context: inout LoweringContext, _ node: NodeID, _ queries: Extent
  ) throws -> (offsetsTable: Int?, sources: [Source], segmentCount: Extent) {
    let graph = context.graph
    var sources = graph.captured(node).map { context.source($0) }
    guard let table = graph.attributes(node)[.ragged]?.number, let offsets = graph.captured(node, .ragged) else {
      return (nil, sources, 1)
    }
    sources[table] = .view(try context.offsets(offsets, total: queries))
    return (table, sources, graph.type(offsets).shape[0] - 1)
  }
}

extension ScalarFunction {
  /// What `value` needs of the function.
  fileprivate func yielding(_ value: ScalarValue) -> ScalarFunction {
    extracting(
      [value], parameters: parameters, numbers: Array(parameters.indices), tables: tables,
      tableMap: Dictionary(uniqueKeysWithValues: tables.indices.map { ($0, $0) }))
  }
}

extension Attributes {
  /// The tile that is set on an op; nil where none is.
  fileprivate var tile: TileSize? {
    self[.tile].map { TileSize(rows: $0[0], columns: $0[1]) }
  }
}

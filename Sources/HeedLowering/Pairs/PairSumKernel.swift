import HeedAnalysis
import HeedIR
import HeedSchedule

extension LoweringRule {
  /// Sums over pairs, key-major. A task owns blocks of keys, packs each, and takes it through the tiles of the queries that see it; what
  /// belongs to a key is summed in scratch memory, what belongs to a query in memory of the task. Where several tasks share a head, their
  /// sums are added in order at the end: the number of tasks depends on shapes alone.
  static let pairSums = LoweringRule { context, node in
    let kernel = try PairSumKernel(&context, node)
    try kernel.emit()
    try kernel.describe(context.graph.results(node)[0], &context)
    try context.emit(kernel.builder, cost: context.cost(node))
  }
}

/// A `pair_sums` bound to the kernel that is being built.
struct PairSumKernel: PairKernel {
  let builder: KernelBuilder
  let shape: AttentionShape
  let schedule: AttentionSchedule
  let mask: MaskAnalysis
  let tables: [BoundSource]
  var offsets: BoundView? { nil }

  /// Which tensors are multiplied, and what is summed.
  let pairs: PairOperands
  /// The weights of a pair, from its products.
  let weights: ScalarFunction
  /// The type of products, weights and sums.
  let element: ElementType
  /// The row and column tensors, by the operands' numbers.
  let tensors: [Int: Tensor]
  /// By sum.
  let outputs: [BoundView]
  /// The tasks of a head.
  let partials: Int

  /// A row or column tensor.
  struct Tensor {
    let rows: BoundView
    let width: Int
  }

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    let operands = Array(graph.operands(node))
    pairs = PairOperands(graph.attributes(node))
    let regions = Array(graph.regions(node))
    weights = regions[0]
    element = weights.type(weights.results[0])
    mask = try MaskAnalysis(regions[1])
    let (batch, queries, keys) = (Array(pairs.extents.dropLast(2)), pairs.extents[pairs.extents.count - 2], pairs.extents.last!)
    if regions.flatMap(\.parameters).contains(where: { $0.type == .i32 }) {
      for extent in [queries, keys] where extent.constant == nil {
        context.addCheck(.range(start: 0, stop: extent, extent: ScoreKernel.mostOfNarrowIndex))
      }
    }
    var views: [Int: StridedView] = [:]
    for number in pairs.products.flatMap({ [$0.row, $0.column] }) + pairs.sums.compactMap(\.operand) {
      views[number] = try context.view(operands[number])
    }
    let sources = operands.map { context.source($0) }
    let results = graph.results(node).map { context.allocateResult($0) }

    let builder = KernelBuilder(.pairSums)
    let rank = pairs.extents.count
    tensors = Dictionary(
      uniqueKeysWithValues: views.sorted { $0.key < $1.key }.map { number, view in
        // Panels go beyond the last key.
        (number, Tensor(rows: builder.input(view, guarding: [rank - 2]), width: view.shape.last!.constant!))
      })
    let read = Set(regions.flatMap(\.readTables))
    tables = sources.enumerated().map { number, source in
      read.contains(number) ? builder.input(source) : .literal(Literal(0))
    }
    outputs = results.map { builder.output($0) }
    shape = AttentionShape(
      batch: batch, queries: queries, keys: keys, depth: 0, valueWidth: 0, panelDimensions: Array(batch.indices), facts: graph.facts
    )
    schedule = AttentionSchedule(
      pairSums: graph.attributes(node)[.tile].map { TileSize(rows: $0[0], columns: $0[1]) }, accumulator: element,
      heads: batch.reduce(Extent(1), *), hasRowSums: pairs.sums.contains(where: \.isOfRow), on: context.target)
    guard case .owned(let partials) = schedule.keys else { preconditionFailure("keys that no task owns") }
    self.partials = partials
    self.builder = builder
    context.note(schedule, of: node)
  }

  /// Says how the sums are computed.
  func describe(_ value: ValueID, _ context: inout LoweringContext) throws {
    context.remark(
      .note, value,
      "sums over pairs in tiles of \(schedule.tile), key-major: no matrix of pairs is stored"
        + (mask.isAlwaysTrue ? "" : "; tiles in which the mask is false everywhere are skipped"))
    if partials > 1, pairs.sums.contains(where: \.isOfRow) {
      context.remark(
        .note, value,
        "what belongs to a query is summed by \(partials) tasks per head, each in memory of its own, and added in order")
    }
  }
}

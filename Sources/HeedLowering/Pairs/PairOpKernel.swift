import HeedAnalysis
import HeedIR
import HeedSchedule

/// The kernel of an op on pairs, bound to its operands: what `pair_sums` and `pair_scatter` share.
struct PairOpKernel: PairKernel {
  let builder: KernelBuilder
  let shape: AttentionShape
  let schedule: AttentionSchedule
  let mask: MaskAnalysis
  let tables: [BoundSource]
  var offsets: BoundView? { nil }

  /// Which tensors are multiplied, and what is summed.
  let pairs: PairOperands
  /// What a pair yields, from its products.
  let region: ScalarFunction
  /// The type of products and of the numbers that are summed.
  let element: ElementType
  /// The row and column tensors, by the operands' numbers.
  let tensors: [Int: Tensor]
  /// Where the results go.
  let outputs: [BoundView]

  /// A row or column tensor.
  struct Tensor {
    let rows: BoundView
    let width: Int
  }

  /// The tasks that share the keys of a head.
  var partials: Int {
    guard case .owned(let partials) = schedule.keys else { preconditionFailure("keys that no task owns") }
    return partials
  }

  /// Binds the operands of `node` and chooses its schedule.
  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    let operands = Array(graph.operands(node))
    pairs = PairOperands(graph.attributes(node))
    let regions = Array(graph.regions(node))
    region = regions[0]
    element = region.type(region.results[0])
    mask = try MaskAnalysis(regions[1])
    let rank = pairs.extents.count
    let (batch, queries, keys) = (Array(pairs.extents.dropLast(2)), pairs.extents[rank - 2], pairs.extents[rank - 1])
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

    let builder = KernelBuilder(graph.op(node))
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
      pairs: graph.attributes(node)[.tile].map { TileSize(rows: $0[0], columns: $0[1]) }, accumulator: element, batch: batch,
      keys: keys, on: context.target)
    self.builder = builder
    context.note(schedule, of: node)
  }

  /// Says how the pairs are visited.
  func describe(_ value: ValueID, _ context: inout LoweringContext) {
    context.remark(
      .note, value,
      "pairs in tiles of \(schedule.tile), key-major: no matrix of pairs is stored"
        + (mask.isAlwaysTrue ? "" : "; tiles in which the mask is false everywhere are skipped"))
    if partials > 1 {
      context.remark(
        .note, value,
        "the blocks of keys of a head are dealt out to \(partials) tasks; what they have in common is summed by each, and added in order"
      )
    }
  }
}

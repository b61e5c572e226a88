import HeedAnalysis
import HeedIR
import HeedSchedule

extension LoweringRule {
  /// Fused attention: one pass over the keys with a running maximum and sum, so that no score matrix is stored.
  ///
  /// A block of query rows takes tile after tile: scores in scratch memory, the score and where regions on them, the running maximum,
  /// and the weights 2^(score - maximum). Their product with the values is added to an accumulator, which is rescaled when the maximum
  /// moves. Keys are packed into panels. (Online softmax: Milakov and Gimelshein 2018; tiling: Dao et al. 2022.)
  static let fusedTiles = LoweringRule { context, node in
    let bound = try BoundAttention(&context, node)
    let graph = context.graph
    try WeightedSum(bound, graph.attributes(node), factor: graph.region(node, "factor")).emit(of: node, &context)
    try context.emit(bound.kernel.builder, cost: context.cost(node))
  }
}

/// The weighted sum of values: what attention makes of its scores.
struct WeightedSum {
  let kernel: ScoreKernel
  let value: BoundRows
  let packing: KeyPacking
  let output: BoundView
  let rows: RowResults
  /// What a pair's weight is multiplied by after the softmax; nil for 1.
  let factor: ScalarFunction?
  /// Whether scores weigh the values as they are: no softmax.
  let weighsByScore: Bool

  var builder: KernelBuilder { kernel.builder }
  var shape: AttentionShape { kernel.shape }
  var types: AttentionTypes { kernel.types }
  var schedule: AttentionSchedule { kernel.schedule }

  /// Whether the sum of a row's weights is kept beside that of its exponentials.
  var keepsWeightSum: Bool { rows.weightSum != nil && (factor != nil || weighsByScore) }

  init(_ bound: BoundAttention, _ attributes: Attributes, factor: ScalarFunction?) {
    self.factor = factor
    kernel = bound.kernel
    value = bound.third
    packing = KeyPacking(kernel, value: value)
    output = kernel.builder.output(bound.results[.output]!)
    rows = RowResults(kernel, attributes, bound.results)
    weighsByScore = attributes.weighsByScore
  }

  /// Builds the kernel's phases, by the schedule.
  func emit(of node: NodeID, _ context: inout LoweringContext) throws {
    let (name, classifiesOnly) = (context.graph.results(node)[0], context.classifiesOnly)
    let packed = schedule.keys == .packed || schedule.keys == .segments ? packing.workspaces() : nil
    try kernel.describeMask(of: name, &context)
    let summaries = TermSummaries(kernel, .queryMajor)
    try summaries.summarize(kernel)
    let blocks = RowBlocks(sum: self, summaries: summaries, classifiesOnly: classifiesOnly)
    if schedule.keys != .unused { kernel.describeKeyRange(of: name, &context) }
    switch schedule.keys {
    case .packed:
      if !classifiesOnly { packing.pack(into: packed!, when: hasManyRows) }
      try blocks.emit(packed!, when: hasManyRows)
    case .segments:
      let table = builder.workspace("blocks", TensorType(.i32, [kernel.segmentBlocks]))
      kernel.numberBlocks(table)
      if !classifiesOnly { packing.packSegments(into: packed!) }
      try blocks.emit(segments: table, packed!)
    case .bands(let bands):
      try blocks.emit(bands, when: hasManyRows)
      context.remark(
        .note, name,
        "each band of up to \(AttentionSchedule.Bands.mostBlocks) blocks of rows packs the keys that it sees, "
          + "\(bands.tilesKept * schedule.tile.columns) at once")
    case .unused, .owned: break
    }
    guard schedule.fewRows != .never else { return }
    try FewRows(sum: self, summaries: summaries).emit(when: hasFewRows, classifiesOnly: classifiesOnly)
    guard !classifiesOnly else { return }
    typealias Few = AttentionSchedule.FewRows
    context.remark(
      .note, name,
      "up to \(Few.most) rows of queries that share keys are attended in parts of \(Few.keysOfPart) keys, read as they are stored")
  }

  /// The condition that a call has few rows; nil where all calls have.
  private var hasFewRows: IntegerExpression? {
    schedule.fewRows == .sometimes
      ? .apply(.lessEqual, IntegerExpression(shape.groupRows), .constant(AttentionSchedule.FewRows.most)) : nil
  }

  /// The condition that a call has more rows; nil where all calls have.
  private var hasManyRows: IntegerExpression? {
    schedule.fewRows == .sometimes
      ? .apply(.less, .constant(AttentionSchedule.FewRows.most), IntegerExpression(shape.groupRows)) : nil
  }
}

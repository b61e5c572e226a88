import HeedIR
import HeedSchedule

extension LoweringRule {
  /// Sums over pairs. A task owns blocks of keys, and takes each through the tiles of the queries that see it. What belongs to a key is
  /// summed in scratch memory, what belongs to a query in memory of the task. Where several tasks share a head, their sums are added in
  /// order at the end: the number of tasks depends on shapes alone.
  static let pairSums = LoweringRule { context, node in
    let kernel = try PairOpKernel(&context, node)
    try PairSumPhases(kernel).emit()
    kernel.describe(context.graph.results(node)[0], &context)
    try context.emit(kernel.builder, cost: context.cost(node))
  }
}

/// The phases of `pair_sums`.
private struct PairSumPhases {
  let kernel: PairOpKernel

  init(_ kernel: PairOpKernel) { self.kernel = kernel }

  private var builder: KernelBuilder { kernel.builder }
  private var element: ElementType { kernel.element }

  /// Whether a sum of queries is added to where its result is: by the one task of a head, in the type of the sums.
  private func isInPlace(_ sum: Int) -> Bool { kernel.partials == 1 && kernel.outputs[sum].element == element }

  func emit() throws {
    let (shape, partials) = (kernel.shape, kernel.partials)
    let rowSums = kernel.numbers(ofRows: true)
    var partialSums: [Int: Place] = [:]
    let summaries = TermSummaries(kernel, .keyMajor)
    for sum in rowSums where !isInPlace(sum) {
      let extents = [Extent(partials)] + shape.batch + [shape.queries] + (kernel.width(sum).map { [Extent($0)] } ?? [])
      partialSums[sum] = builder.workspace(Name("row_sums\(sum)"), TensorType(element, Shape(extents)))
    }
    try summaries.summarize(kernel)

    let (domain, batch) = kernel.batchDomain(Array(0..<shape.batchRank))
    let (partialDomain, partial) = builder.dimension("partial", .constant(partials))
    try builder.phase("sum", domain + (partials > 1 ? [partialDomain] : [])) {
      let task = partials > 1 ? partial : 0
      func rowSum(_ sum: Int, _ query: IntegerExpression, _ component: IntegerExpression?) -> Access {
        let rest = [query] + (component.map { [$0] } ?? [])
        guard let place = partialSums[sum] else { return kernel.outputs[sum].access(batch + rest) }
        return Access(place, ([task] + batch + rest).map { Access.Index($0) })
      }
      for sum in rowSums {
        builder.map(kernel.dimensions("i", IntegerExpression(shape.queries), of: sum)) { body, index in
          body.store(body.constant(0, element), rowSum(sum, index[0], index.dropFirst().first))
        }
      }
      let blocks = KeyBlocks(kernel, tileCount: kernel.region.results.count)
      try blocks.emit(batch, task: task, summaries, PairSumming(blocks, batch: batch, rowSum: rowSum))
    }
    combine(partialSums)
  }

  /// The phase that adds the sums of a head's tasks, in order.
  private func combine(_ partialSums: [Int: Place]) {
    guard !partialSums.isEmpty else { return }
    let (shape, size) = (kernel.shape, 64)
    let (domain, batch) = kernel.batchDomain(Array(0..<shape.batchRank))
    let (rowDomain, block) = builder.dimension("t", IntegerExpression(shape.queries.dividedRoundingUp(by: size)))
    builder.phase("combine", domain + [rowDomain]) {
      let first = builder.define("i0", block * .constant(size))
      let count = builder.define("rows", .blockSize(shape.queries, block: first, size: size))
      for (sum, place) in partialSums.sorted(by: { $0.key < $1.key }) {
        builder.map(kernel.dimensions("r", count, of: sum)) { body, index in
          let rest = [first + index[0]] + index.dropFirst()
          let parts = (0..<kernel.partials).map { task in
            body.load(Access(place, ([.constant(task)] + batch + rest).map { Access.Index($0) }), element)
          }
          let total = parts.dropFirst().reduce(parts[0]) { body.apply(.add, $0, $1) }
          body.store(total, kernel.outputs[sum].access(batch + rest))
        }
      }
    }
  }
}

extension PairOpKernel {
  /// The numbers of the sums that belong to queries, or to keys.
  func numbers(ofRows: Bool) -> [Int] { pairs.sums.indices.filter { pairs.sums[$0].isOfRow == ofRows } }

  /// The components of a sum; nil for a sum of weights alone.
  func width(_ sum: Int) -> Int? { pairs.sums[sum].operand.map { tensors[$0]!.width } }

  /// The dimensions of a map over the elements of a sum.
  func dimensions(_ name: Name, _ count: IntegerExpression, of sum: Int) -> [(Name, IntegerExpression)] {
    [(name, count)] + (width(sum).map { [("e", .constant($0))] } ?? [])
  }
}

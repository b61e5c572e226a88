import HeedIR
import HeedSchedule

extension PairSumKernel {
  /// The numbers of the sums that belong to queries, or to keys.
  func numbers(ofRows: Bool) -> [Int] { pairs.sums.indices.filter { pairs.sums[$0].isOfRow == ofRows } }

  /// The components of a sum; nil for a sum of weights alone.
  func width(_ sum: Int) -> Int? { pairs.sums[sum].operand.map { tensors[$0]!.width } }

  /// Whether a sum of queries is added to where its result is: by the one task of a head, in the type of the sums.
  private func isInPlace(_ sum: Int) -> Bool { partials == 1 && outputs[sum].element == element }

  /// All phases of the kernel.
  func emit() throws {
    let rowSums = numbers(ofRows: true)
    var partialSums: [Int: Place] = [:]
    let summaries = TermSummaries(self, .keyMajor)
    for sum in rowSums where !isInPlace(sum) {
      let extents = [Extent(partials)] + shape.batch + [shape.queries] + (width(sum).map { [Extent($0)] } ?? [])
      partialSums[sum] = builder.workspace("row_sums", TensorType(element, Shape(extents)))
    }
    try summaries.summarize(self)

    let (domain, batch) = batchDomain(Array(0..<shape.batchRank))
    let (partialDomain, partial) = builder.dimension("partial", .constant(partials))
    try builder.phase("sum", domain + (partials > 1 ? [partialDomain] : [])) {
      let task = partials > 1 ? partial : 0
      func rowSum(_ sum: Int, _ query: IntegerExpression, _ component: IntegerExpression?) -> Access {
        let rest = [query] + (component.map { [$0] } ?? [])
        guard let place = partialSums[sum] else { return outputs[sum].access(batch + rest) }
        return Access(place, ([task] + batch + rest).map { Access.Index($0) })
      }
      for sum in rowSums { clear(sum, rowSum) }
      let block = try BlockOfKeys(self, batch: batch, summaries, rowSum: rowSum)
      let size = schedule.tile.columns
      let blocks = IntegerExpression(shape.keys.dividedRoundingUp(by: size))
      try builder.loop("block", from: task, to: blocks, step: partials) { number in
        let first = builder.define("j0", number * .constant(size))
        let count = builder.define("columns", .blockSize(shape.keys, block: first, size: size))
        try block.emit(Span(first: first, count: count))
      }
    }
    for sum in rowSums { if let place = partialSums[sum] { combine(sum, place) } }
  }

  /// Sets a sum of all queries of the task to 0.
  private func clear(_ sum: Int, _ access: (Int, IntegerExpression, IntegerExpression?) -> Access) {
    let dimensions: [(Name, IntegerExpression)] = [("i", IntegerExpression(shape.queries))]
    builder.map(dimensions + (width(sum).map { [("e", .constant($0))] } ?? [])) { body, index in
      body.store(body.constant(0, element), access(sum, index[0], index.dropFirst().first))
    }
  }

  /// The phase that adds the sums of a head's tasks, in order.
  private func combine(_ sum: Int, _ place: Place) {
    let (domain, batch) = batchDomain(Array(0..<shape.batchRank))
    let size = 64
    let (rowDomain, block) = builder.dimension("t", IntegerExpression(shape.queries.dividedRoundingUp(by: size)))
    builder.phase("combine", domain + [rowDomain]) {
      let first = builder.define("i0", block * .constant(size))
      let count = builder.define("rows", .blockSize(shape.queries, block: first, size: size))
      builder.map([("r", count)] + (width(sum).map { [("e", .constant($0))] } ?? [])) { body, index in
        let rest = [first + index[0]] + index.dropFirst()
        var total: BodyValue?
        for task in 0..<partials {
          let part = body.load(Access(place, ([.constant(task)] + batch + rest).map { Access.Index($0) }), element)
          total = total.map { body.apply(.add, $0, part) } ?? part
        }
        body.store(total!, outputs[sum].access(batch + rest))
      }
    }
  }
}

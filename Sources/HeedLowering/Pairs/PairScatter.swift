import HeedIR
import HeedSchedule

extension LoweringRule {
  /// Numbers of pairs, added to elements of a tensor. A task owns blocks of keys, of all heads that share the elements; it takes the heads
  /// in order. Where each pair has an element of its own, that is added to in place. Elsewhere each task has memory for all elements, and
  /// these are added in order at the end: the number of tasks depends on shapes alone.
  static let pairScatter = LoweringRule { context, node in
    let kernel = try PairOpKernel(&context, node)
    try PairScatterPhases(kernel, context.graph.type(context.graph.result(node)).shape).emit()
    kernel.describe(context.graph.result(node), &context)
    try context.emit(kernel.builder, cost: context.cost(node))
  }
}

/// What an index of the result is.
private enum ScatterIndex: Hashable {
  /// The index of this dimension of the pairs, over the same extent.
  case dimension(Int)
  /// What the region yields.
  case computed
}

/// The phases of `pair_scatter`.
private struct PairScatterPhases {
  let kernel: PairOpKernel
  /// The extents of the result.
  let extents: [Extent]
  /// By dimension of the result.
  let indices: [ScatterIndex]

  private var builder: KernelBuilder { kernel.builder }
  private var element: ElementType { kernel.element }
  private var batchRank: Int { kernel.shape.batchRank }

  init(_ kernel: PairOpKernel, _ shape: Shape) {
    self.kernel = kernel
    extents = shape.extents
    let first = kernel.pairs.products.count
    indices = zip(kernel.region.results.dropFirst(), shape.extents).map { value, extent in
      guard let parameter = kernel.region.wholeParameter(value), parameter >= first else { return .computed }
      let own = kernel.pairs.extents[parameter - first]
      return own.isEqual(to: extent, given: kernel.shape.facts) ? .dimension(parameter - first) : .computed
    }
  }

  /// Whether each pair of a head has an element of its own.
  private var isOwn: Bool {
    !indices.contains(.computed) && Set(indices).isSuperset(of: [.dimension(batchRank), .dimension(batchRank + 1)])
      && Set(indices).count == indices.count
  }

  /// Where tasks add: the elements in row-major order, for each task where they have some in common.
  private func access(_ place: Place, task: IntegerExpression, _ position: IntegerExpression, isGuarded: Bool = false) -> Access {
    Access(place, [Access.Index(isOwn ? 0 : task), Access.Index(position, isGuarded: isGuarded)])
  }

  /// The row-major position of an element.
  private func position(_ at: [IntegerExpression]) -> IntegerExpression {
    zip(at, extents).reduce(IntegerExpression(integerLiteral: 0)) { $0 * IntegerExpression($1.1) + $1.0 }
  }

  func emit() throws {
    let count = extents.reduce(Extent(1), *)
    let tasks = isOwn ? 1 : kernel.partials
    let sums = builder.workspace("sums", TensorType(element, [Extent(tasks), count]))
    let summaries = TermSummaries(kernel, .keyMajor)
    try summaries.summarize(kernel)
    let size = 4096
    let (taskDomain, clearing) = builder.dimension("task", .constant(tasks))
    let (domain, block) = builder.dimension("t", IntegerExpression(count.dividedRoundingUp(by: size)))
    builder.phase("clear", [taskDomain, domain]) {
      let first = builder.define("first", block * .constant(size))
      builder.map([("n", .blockSize(count, block: first, size: size))]) { body, at in
        body.store(body.constant(0, element), Access(sums, clearing, first + at[0]))
      }
    }
    try scatter(into: sums, summaries)
    store(sums, tasks)
  }

  /// The phase that goes through the pairs. Heads that share elements are those of one task.
  private func scatter(into sums: Place, _ summaries: TermSummaries) throws {
    let kept = (0..<batchRank).filter { indices.contains(.dimension($0)) }
    let reduced = (0..<batchRank).filter { !kept.contains($0) }
    let (domain, keptIndices) = kernel.batchDomain(kept)
    let (partialDomain, partial) = builder.dimension("partial", .constant(kernel.partials))
    try builder.phase("scatter", domain + (kernel.partials > 1 ? [partialDomain] : [])) {
      let task = kernel.partials > 1 ? partial : 0
      let blocks = KeyBlocks(kernel, tileCount: 1)
      let positions =
        isOwn
        ? nil
        : builder.tile(
          "positions", .i64, [kernel.schedule.tile.rows, kernel.schedule.tile.columns])
      var batch = [IntegerExpression](repeating: 0, count: batchRank)
      for (dimension, index) in zip(kept, keptIndices) { batch[dimension] = index }
      try builder.nest(reduced.map { (name: Name("b\($0)"), end: IntegerExpression(kernel.shape.batch[$0])) }) { heads in
        for (dimension, index) in zip(reduced, heads) { batch[dimension] = index }
        let consumer = PairScattering(
          blocks: blocks, extents: extents, positions: positions,
          own: { pair in
            access(
              sums, task: task,
              position(
                indices.map { index in
                  guard case .dimension(let dimension) = index else { preconditionFailure("an element that pairs share") }
                  return pair[dimension]
                }))
          },
          shared: { access(sums, task: task, $0, isGuarded: true) })
        try blocks.emit(batch, task: task, summaries, consumer)
      }
    }
  }

  /// The phase that adds what the tasks have, in order.
  private func store(_ sums: Place, _ tasks: Int) {
    let (domain, leading) = builder.domain(extents.dropLast())
    let last: IntegerExpression = extents.last.map { IntegerExpression($0) } ?? 1
    builder.phase("combine", domain) {
      builder.map([("n", last)]) { body, at in
        let element = leading + (extents.isEmpty ? [] : at)
        let parts = (0..<tasks).map { body.load(access(sums, task: .constant($0), position(element)), self.element) }
        body.store(parts.dropFirst().reduce(parts[0]) { body.apply(.add, $0, $1) }, kernel.outputs[0].access(element))
      }
    }
  }
}

/// Adds the number of each pair to an element.
private struct PairScattering: PairConsumer {
  let blocks: KeyBlocks
  /// The extents of the result.
  let extents: [Extent]
  /// The elements of the pairs of a tile, -1 for none: [rows, columns]; nil where each pair has its own.
  let positions: Place?
  /// The element of a pair, by the pair's indices.
  let own: (_ pair: [IntegerExpression]) -> Access
  /// An element that pairs share, by its position, which may be -1.
  let shared: (_ position: IntegerExpression) -> Access

  private var builder: KernelBuilder { blocks.kernel.builder }
  private var element: ElementType { blocks.kernel.element }

  func weighs(row operand: Int) -> Bool { false }
  func begin(_ keys: Span) {}
  func end(_ keys: Span) {}

  func take(_ yields: [BodyValue], isLive: BodyValue?, of tile: PairTile, at: [IntegerExpression], in body: inout BodyBuilder) {
    let number = yields[0]
    guard let positions else {
      let place = own(tile.batch + [tile.rows.first + at[0], tile.keys.first + at[1]])
      let term = isLive.map { body.apply(.select, $0, number, body.constant(0, element)) } ?? number
      body.store(body.apply(.add, body.load(place, element), term), place)
      return
    }
    body.store(number, Access(blocks.tiles[0], at[0], at[1]))
    var (position, counts) = (body.whole(0), body.apply(.notEqual, number, body.constant(0, element)))
    if let isLive { counts = body.apply(.and, counts, isLive) }
    for (index, extent) in zip(yields.dropFirst(), extents) {
      let (wide, end) = (body.apply(.convert, index, type: .i64), body.index(IntegerExpression(extent), .i64))
      position = body.apply(.add, body.apply(.multiply, position, end), wide)
      let isInside = body.apply(.and, body.apply(.lessEqual, body.whole(0), wide), body.apply(.less, wide, end))
      counts = body.apply(.and, counts, isInside)
    }
    body.store(body.apply(.select, counts, position, body.whole(-1)), Access(positions, at[0], at[1]))
  }

  func finish(_ tile: PairTile) {
    guard let positions else { return }
    builder.loop("r", to: tile.rows.count) { r in
      builder.loop("c", to: tile.keys.count) { c in
        let position = builder.define("position", .load(Access(positions, r, c)))
        builder.compute { body in
          body.accumulate(.add, body.load(Access(blocks.tiles[0], r, c), element), shared(position))
        }
      }
    }
  }
}

extension ScalarFunction {
  /// The number of the parameter that a value is, conversions between whole numbers aside; nil where it is something else.
  fileprivate func wholeParameter(_ value: ScalarValue) -> Int? {
    guard let instruction = instruction(value) else { return value.index }
    guard case .elementwise(.convert) = instruction.operation, type(instruction.operands[0]).isInteger,
      instruction.type.byteCount >= type(instruction.operands[0]).byteCount
    else { return nil }
    return wholeParameter(instruction.operands[0])
  }
}

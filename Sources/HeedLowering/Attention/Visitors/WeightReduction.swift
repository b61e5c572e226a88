import HeedAnalysis
import HeedIR
import HeedSchedule

extension LoweringRule {
  /// A reduction of attention's weights over blocks of pairs. A task owns some blocks and goes over their pairs by tiles in order, those of
  /// one head after the other where heads are reduced, so that the result does not depend on threads. Tiles without a live pair are
  /// skipped where they add nothing.
  static let weightStatistic = LoweringRule { context, node in
    let (attributes, value) = (context.graph.attributes(node), context.graph.results(node)[0])
    let rank = context.graph.type(context.graph.operands(node).first!).rank
    let whole = context.graph.operands(node).prefix(2).map { context.graph.type($0).shape[rank - 2] }
    let window = attributes.window(whole)
    for ((start, stop), extent) in zip(window, whole) { context.addCheck(.range(start: start, stop: stop, extent: extent)) }
    let statistic = WeightStatistic(try BoundAttention(&context, node), attributes)
    let (block, tile) = (attributes.required(.block), statistic.kernel.schedule.tile)
    let reduction = WeightReduction(
      statistic: statistic, value: Array(context.graph.regions(node))[2], kind: attributes.required(.kind),
      rows: BlockedRange(window[0], size: block[0], tile: tile.rows),
      columns: BlockedRange(window[1], size: block[1], tile: tile.columns), reducedBatch: attributes[.dims] ?? [])
    let summaries = try statistic.prepare([reduction.order], of: value, &context)
    if reduction.startOfSkipping != nil, reduction.order == .queryMajor { statistic.kernel.describeKeyRange(of: value, &context) }
    try reduction.emit(summaries[0])
    statistic.describe(value, &context)
    try context.emit(statistic.builder, cost: context.cost(node))
  }
}

/// A statistic of weights: numbers of pairs, put together block by block.
struct WeightReduction {
  let statistic: WeightStatistic
  /// The number of a pair, from its weight.
  let value: ScalarFunction
  let kind: Reduction
  let rows: BlockedRange
  let columns: BlockedRange
  /// The batch dimensions that are reduced.
  let reducedBatch: [Int]

  private var kernel: ScoreKernel { statistic.kernel }
  private var builder: KernelBuilder { statistic.builder }
  private var element: ElementType { statistic.types.accumulator }
  private var panelWidth: IntegerExpression { .constant(kernel.schedule.panelWidth) }

  /// Where blocks begin: at what a pair of weight 0 amounts to, where that changes nothing, so that tiles without a live pair can be
  /// skipped. Nil where such tiles count.
  var startOfSkipping: Literal? {
    switch kind {
    case .add:
      guard value.dependsOnFirstParameterAlone,
        let ofDeadPair = try? value.evaluate(value.parameters.map { _ in Literal(0.0) })[0], ofDeadPair.real == 0
      else { return nil }
      return Literal(0.0)
    // No weight is less than 0.
    case .maximum: return value.results == [value.parameter(0)] && columns.isNeverEmpty && rows.isNeverEmpty ? Literal(0.0) : nil
    default: return nil
    }
  }

  /// Sums over all queries belong to keys: a task takes its keys through the queries that see them.
  var order: TraversalOrder { startOfSkipping != nil && rows.size == nil && columns.size != nil ? .keyMajor : .queryMajor }

  /// The pairs of a task and the sums of its blocks.
  private struct Task {
    var batch: [IntegerExpression]
    let rows: TaskRange
    let columns: TaskRange
    /// The task's first key at the start of a panel.
    let firstKey: IntegerExpression
    let tiles: WeightStatistic.Tiles
    let sums: Place
    /// Sums of the NaN among the numbers of an extremum.
    let unordered: Place?
  }

  /// The phase of the reduction.
  func emit(_ summaries: TermSummaries) throws {
    let shape = statistic.shape
    let kept = (0..<shape.batchRank).filter { !reducedBatch.contains($0) }
    let (domain, indices) = kernel.batchDomain(kept)
    let (rowTasks, rowTask) = builder.dimension("t_row", IntegerExpression(rows.tasks))
    let (columnTasks, columnTask) = builder.dimension("t_column", IntegerExpression(columns.tasks))
    try builder.phase("reduce", domain + [rowTasks, columnTasks]) {
      let rowRange = TaskRange(rows, "row", task: rowTask, builder)
      let columnRange = TaskRange(columns, "column", task: columnTask, builder)
      let tiles = statistic.makeTiles()
      let sums = builder.tile("blocks", element, [rows.blocksOfTask, columns.blocksOfTask])
      let unordered = kind.isExtremum ? builder.tile("unordered", element, [rows.blocksOfTask, columns.blocksOfTask]) : nil
      let identity = startOfSkipping ?? kind.identity(element)
      builder.map([("x", rowRange.blocks), ("y", columnRange.blocks)]) { body, index in
        let start = body.constant(identity, element)
        body.store(start, Access(sums, index[0], index[1]))
        if let unordered { body.store(body.constant(0, element), Access(unordered, index[0], index[1])) }
      }
      // Keys are counted from the start of a panel.
      let firstKey = builder.define("first_key", columnRange.first / panelWidth * panelWidth)
      var batch = [IntegerExpression](repeating: 0, count: shape.batchRank)
      for (dimension, index) in zip(kept, indices) { batch[dimension] = index }
      var task = Task(
        batch: batch, rows: rowRange, columns: columnRange, firstKey: firstKey, tiles: tiles, sums: sums, unordered: unordered)
      let loops = reducedBatch.map { (name: Name("b\($0)"), end: IntegerExpression(shape.batch[$0])) }
      try builder.nest(loops) { heads in
        for (dimension, index) in zip(reducedBatch, heads) { task.batch[dimension] = index }
        try order == .keyMajor ? visitByKeys(task, summaries) : visitByQueries(task, summaries)
      }
      builder.map([("x", rowRange.blocks), ("y", columnRange.blocks)]) { body, index in
        var sum = body.load(Access(sums, index[0], index[1]), element)
        if let unordered { sum = body.unlessNaN(sum, element, Access(unordered, index[0], index[1])) }
        body.store(
          sum, statistic.output.access(indices + [rowRange.firstBlock + index[0], columnRange.firstBlock + index[1]]))
      }
    }
  }

  /// The task's rows block by block, each through the tiles of the task's keys.
  private func visitByQueries(_ task: Task, _ summaries: TermSummaries) throws {
    let size = kernel.schedule.tile.rows
    try builder.loop("i0", from: task.rows.first, to: task.rows.end, step: size) { first in
      let count = builder.define("rows", .smaller(task.rows.end - first, .constant(size)))
      let at = block(task, Span(first: first, count: count), Span(first: task.firstKey, count: task.columns.end - task.firstKey))
      let seesDead = try statistic.loadRows(at, task.tiles)
      func visit(_ first: IntegerExpression, _ count: IntegerExpression, isOpen: IntegerExpression) throws {
        try take(
          KeyTile(firstKey: first, firstPanel: at.firstPanel + first / panelWidth, columns: count, isOpen: isOpen), of: at, task,
          seesDead: seesDead)
      }
      guard startOfSkipping == nil else {
        return try TraversalEmitter(kernel, .queryMajor, at, summaries, attendsAll: seesDead) {
          try visit($0.first, $0.count, isOpen: $0.isOpen)
        }.emit()
      }
      let width = kernel.schedule.tile.columns
      try builder.loop("j0", to: at.keys.count, step: width) { first in
        let columns = builder.define("columns", .smaller(at.keys.count - first, .constant(width)))
        try visit(first, columns, isOpen: kernel.mask.isAlwaysTrue ? 0 : 1)
      }
    }
  }

  /// The task's keys, a tile of them at a time, through the blocks of rows that see them.
  private func visitByKeys(_ task: Task, _ summaries: TermSummaries) throws {
    let size = kernel.schedule.tile.columns
    let attendsAll = statistic.hasEmptyRow(
      task.batch, Span(first: task.rows.first, count: task.rows.end - task.rows.first))
    try builder.loop("j0", from: task.firstKey, to: task.columns.end, step: size) { first in
      let count = builder.define("columns", .smaller(task.columns.end - first, .constant(size)))
      let keys = Span(first: first, count: count)
      let all = block(task, Span(first: task.rows.first, count: task.rows.end - task.rows.first), keys)
      try TraversalEmitter(kernel, .keyMajor, all, summaries, attendsAll: attendsAll) { tile in
        let rows = Span(first: builder.define("i", task.rows.first + tile.first), count: tile.count)
        let at = block(task, rows, keys)
        let seesDead = try statistic.loadRows(at, task.tiles)
        try take(
          KeyTile(firstKey: 0, firstPanel: at.firstPanel, columns: count, isOpen: tile.isOpen), of: at, task, seesDead: seesDead)
      }.emit()
    }
  }

  private func block(_ task: Task, _ queries: Span, _ keys: Span) -> PairBlock {
    PairBlock(
      batch: task.batch, queries: queries, keys: keys, firstPanel: keys.first / panelWidth, packed: statistic.packedKeys(task.batch)
    )
  }

  /// Computes the numbers of a tile and puts them into their blocks.
  private func take(_ tile: KeyTile, of at: PairBlock, _ task: Task, seesDead: IntegerExpression?) throws {
    try statistic.computeWeights(at, task.tiles, tile, seesDead: seesDead, value: value)
    accumulate(tile, at, task)
  }

  /// Puts the numbers of a tile into their blocks: row by row where columns are a block each or all one, else a block of columns at a
  /// time.
  private func accumulate(_ tile: KeyTile, _ at: PairBlock, _ task: Task) {
    let (kind, numbers) = (kind.accumulation(element)!, task.tiles.weights)
    func row(_ r: IntegerExpression) -> IntegerExpression {
      rows.size.map { (at.queries.first - task.rows.first + r) / .constant($0) } ?? 0
    }
    // Keys before the range stand in its first panel and belong to no block.
    let origin = task.columns.first - at.keys.first - tile.firstKey
    let first = builder.define("first_column", .apply(.maximum, origin, 0))
    guard let size = columns.size, size > 1 else {
      builder.map([("r", at.queries.count), ("c", tile.columns - first)]) { body, index in
        let column = columns.size == nil ? 0 : first - origin + index[1]
        let number = body.load(Access(numbers, index[0], first + index[1]), element)
        body.accumulate(kind, number, Access(task.sums, row(index[0]), column))
        if let unordered = task.unordered { body.accumulateNaN(number, element, Access(unordered, row(index[0]), column)) }
      }
      return
    }
    let blockSize = IntegerExpression.constant(size)
    builder.loop("y", from: (first - origin) / blockSize, to: (tile.columns - origin).ceilingDivided(by: size)) { y in
      let start = builder.define("block_start", .apply(.maximum, origin + y * blockSize, first))
      let end = builder.define("block_end", .smaller(origin + (y + 1) * blockSize, tile.columns))
      builder.map([("r", at.queries.count), ("c", end - start)]) { body, index in
        let number = body.load(Access(numbers, index[0], start + index[1]), element)
        body.accumulate(kind, number, Access(task.sums, row(index[0]), y))
        if let unordered = task.unordered { body.accumulateNaN(number, element, Access(unordered, row(index[0]), y)) }
      }
    }
  }
}

extension ScalarFunction {
  /// Whether the result depends neither on indices nor on captured tensors.
  fileprivate var dependsOnFirstParameterAlone: Bool {
    var pending = results
    while let value = pending.popLast() {
      guard let instruction = instruction(value) else {
        if value == parameter(0) { continue }
        return false
      }
      if case .element = instruction.operation { return false }
      pending += instruction.operands
    }
    return true
  }
}

import HeedIR

extension LoweringRule {
  /// A reduction of attention's weights over blocks of pairs. A task owns some blocks and goes over their pairs by tiles in order, so that
  /// the result does not depend on threads; tiles without a live pair are skipped where they add nothing.
  static let weightStatistic = LoweringRule { context, node in
    let attributes = context.graph.attributes(node)
    let rank = context.graph.type(context.graph.operands(node).first!).rank
    let whole = context.graph.operands(node).prefix(2).map { context.graph.type($0).shape[rank - 2] }
    let window = attributes.window(whole)
    for ((start, stop), extent) in zip(window, whole) { context.addCheck(.range(start: start, stop: stop, extent: extent)) }
    var lowering = try AttentionLowering(&context, node)
    let depth = try lowering.prepareStatistic(&context)
    let block = attributes.required(.block)
    let statistic = WeightReduction(
      value: Array(context.graph.regions(node))[2], kind: attributes.required(.kind),
      rows: BlockedRange(window[0], size: block[0], tile: lowering.rowBlock),
      columns: BlockedRange(window[1], size: block[1], tile: lowering.keyBlock))
    try lowering.reduceWeights(statistic, depth: depth, context: &context)
    lowering.describeStatistic(&context)
    try context.emit(lowering.builder, cost: context.cost(node))
  }
}

/// A range of indices in blocks, some of which are a task's.
struct BlockedRange {
  let start: Extent
  let stop: Extent
  /// The indices of a block; nil where the range is one block.
  let size: Int?
  /// The blocks of a task.
  let blocksOfTask: Int

  init(_ range: (start: Extent, stop: Extent), size: Int, tile: Int) {
    (start, stop) = range
    self.size = size == 0 ? nil : size
    blocksOfTask = size == 0 ? 1 : max(1, tile / size)
  }

  /// Whether each block holds an index.
  var isNeverEmpty: Bool { size != nil }
  var blocks: Extent { size.map { (stop - start).dividedRoundingUp(by: $0) } ?? 1 }
  var tasks: Extent { size == nil ? 1 : blocks.dividedRoundingUp(by: blocksOfTask) }
}

/// A statistic of weights.
private struct WeightReduction {
  let value: ScalarFunction
  let kind: Reduction
  let rows: BlockedRange
  let columns: BlockedRange

  /// Where blocks begin: at what a pair of weight 0 gives, where that changes nothing, so that tiles without a live pair can be skipped.
  /// Nil where such tiles count.
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

/// The part of a range that a task has.
private struct TaskRange {
  let first: IntegerExpression
  let end: IntegerExpression
  /// The first of its blocks and their number.
  let firstBlock: IntegerExpression
  let blocks: IntegerExpression
}

extension AttentionLowering {
  fileprivate mutating func taskRange(_ range: BlockedRange, _ name: String, in block: inout [Statement]) -> (Dimension, TaskRange)
  {
    let (dimension, task) = builder.dimension(Name("t_\(name)"), IntegerExpression(range.tasks))
    let (start, stop) = (IntegerExpression(range.start), IntegerExpression(range.stop))
    guard let size = range.size else { return (dimension, TaskRange(first: start, end: stop, firstBlock: 0, blocks: 1)) }
    let firstBlock = builder.define(Name("first_\(name)_block"), task * .constant(range.blocksOfTask), in: &block)
    let first = builder.define(Name("first_\(name)"), start + firstBlock * .constant(size), in: &block)
    let end = builder.define(
      Name("end_\(name)"), .smaller(first + .constant(range.blocksOfTask * size), stop), in: &block)
    let blocks = builder.define(
      Name("\(name)_blocks"), .smaller(IntegerExpression(range.blocks) - firstBlock, .constant(range.blocksOfTask)), in: &block)
    return (dimension, TaskRange(first: first, end: end, firstBlock: firstBlock, blocks: blocks))
  }

  fileprivate mutating func reduceWeights(_ statistic: WeightReduction, depth: Int, context: inout LoweringContext) throws {
    let (domain, batch) = batchDomain(Array(0..<batchRank))
    var body: [Statement] = []
    let (rowTasks, rows) = taskRange(statistic.rows, "row", in: &body)
    let (columnTasks, columns) = taskRange(statistic.columns, "column", in: &body)
    let tiles = weightTiles(depth: depth, in: &body)
    let (element, output) = (types.accumulator, output)
    let sums = builder.tile("blocks", element, [statistic.rows.blocksOfTask, statistic.columns.blocksOfTask], in: &body)
    let start = statistic.startOfSkipping
    let identity = start ?? statistic.kind.identity(element)
    builder.map([("x", rows.blocks), ("y", columns.blocks)], in: &body) { body, index in
      body.store(body.append(Body.Instruction(.constant(identity), type: element)), Access(sums, index[0], index[1]))
    }
    // Keys are counted from the start of a panel.
    let panel = IntegerExpression.constant(panelWidth)
    let firstPanel = builder.define("first_panel", columns.first / panel, in: &body)
    let firstKey = builder.define("first_key", firstPanel * panel, in: &body)
    let rowStart = builder.variable("i0")
    let i0 = IntegerExpression.variable(rowStart)
    var round: [Statement] = []
    let count = builder.define("rows", .smaller(rows.end - i0, .constant(rowBlock)), in: &round)
    let at = ScoreBlock(
      batch: batch, firstRow: i0, rows: count, rowCount: count, firstKey: firstKey, keyCount: columns.end - firstKey,
      firstPanel: firstPanel, packed: packedKeys(batch), depth: depth, valueWidth: 0)
    try loadRows(at, tiles, in: &round)
    let visit: Visit = { lowering, tile, block in
      try lowering.computeWeights(at, tiles, tile, value: statistic.value, in: &block)
      lowering.accumulate(statistic, at, tile, rows, columns, tiles.weights, into: sums, in: &block)
    }
    if start == nil { try visitAllTiles(at, in: &round, visit) } else { try visitTiles(at, context: &context, in: &round, visit) }
    body.append(.loop(Loop(rowStart, from: rows.first, to: rows.end, step: rowBlock, body: round)))
    builder.map([("x", rows.blocks), ("y", columns.blocks)], in: &body) { body, index in
      let sum = body.load(Access(sums, index[0], index[1]), element)
      body.store(sum, output.access(batch + [rows.firstBlock + index[0], columns.firstBlock + index[1]]))
    }
    builder.phase("reduce", domain + [rowTasks, columnTasks], body)
  }

  /// Puts the numbers of a tile into their blocks: row by row where columns are a block each or all one, else a block of columns at a
  /// time.
  private mutating func accumulate(
    _ statistic: WeightReduction, _ at: ScoreBlock, _ tile: KeyTile, _ rows: TaskRange, _ columns: TaskRange, _ numbers: Place,
    into sums: Place, in block: inout [Statement]
  ) {
    let (kind, element) = (statistic.kind.accumulation(types.accumulator)!, types.accumulator)
    func row(_ r: IntegerExpression) -> IntegerExpression {
      statistic.rows.size.map { (at.firstRow - rows.first + r) / .constant($0) } ?? 0
    }
    // Keys before the range stand in its first panel and belong to no block.
    let origin = columns.first - at.firstKey - tile.firstKey
    let first = builder.define("first_column", .apply(.maximum, origin, 0), in: &block)
    guard let size = statistic.columns.size, size > 1 else {
      builder.map([("r", at.rows), ("c", tile.columns - first)], in: &block) { body, index in
        let column = statistic.columns.size == nil ? 0 : first - origin + index[1]
        body.accumulate(kind, body.load(Access(numbers, index[0], first + index[1]), element), Access(sums, row(index[0]), column))
      }
      return
    }
    let step = builder.variable("y")
    let y = IntegerExpression.variable(step)
    var round: [Statement] = []
    let start = builder.define("block_start", .apply(.maximum, origin + y * .constant(size), first), in: &round)
    let end = builder.define("block_end", .smaller(origin + (y + 1) * .constant(size), tile.columns), in: &round)
    builder.map([("r", at.rows), ("c", end - start)], in: &round) { body, index in
      body.accumulate(kind, body.load(Access(numbers, index[0], start + index[1]), element), Access(sums, row(index[0]), y))
    }
    block.append(
      .loop(
        Loop(
          step, from: (first - origin) / .constant(size), to: (tile.columns - origin).ceilingDivided(by: size), step: 1, body: round
        )))
  }
}

import HeedIR

extension LoweringRule {
  /// A contraction, alone or with an epilogue on its accumulators.
  ///
  /// The right operand is packed into panels (at load, where it is a parameter), so that the inner loop reads it in order; for a few
  /// rows it is read as it is. Blocks of rows and of columns run in parallel. Each accumulates over the whole depth, in parts where
  /// that is deep: between them sums lie in a tile. 16-bit operands are widened as they are packed or loaded; where the target
  /// multiplies pairs of bf16, such operands stay as they are.
  static let contraction = LoweringRule { context, node in
    let plan = try ContractionPlan(&context, node)
    let right = try context.rightOperand(plan)
    var product = ProductKernel(plan, Name(context.graph.op(node).mnemonic), right)
    try product.build(region: context.graph.regions(node).first)
    try context.emit(product.builder, cost: context.cost(node))
  }
}

/// The kernel of a contraction being built.
private struct ProductKernel {
  let plan: ContractionPlan
  let builder: KernelBuilder
  private let left: BoundView
  private let right: BoundView
  private let extras: [BoundSource]
  private let target: BoundView
  private let guarded: Set<Int>

  private var domain: [Dimension] = []

  init(_ plan: ContractionPlan, _ name: Name, _ rightView: StridedView) {
    self.plan = plan
    builder = KernelBuilder(name)
    let inResult = plan.outer + plan.columns + [plan.row, plan.column]
    left = builder.input(plan.left.arranged(plan.outer + [plan.row] + plan.over))
    right = builder.input(rightView)
    let (output, shape) = (plan.output, plan.output.view.shape)
    var extras: [BoundSource] = []
    for extra in plan.extras { extras.append(builder.input(extra.source.arranged(inResult.map(output.positions), shape))) }
    self.extras = extras
    // The columns of the last panel that there are not: their results are not stored.
    guarded = plan.isPacked && !plan.hasWholePanels ? [inResult.count - 1] : []
    target = builder.output(output.arranged(inResult), guarding: guarded)
  }

  private mutating func parallel(_ groups: [[Character]]) -> [IntegerExpression] {
    groups.map { group in
      let (dimension, index) = builder.dimension(Name(String(group)), IntegerExpression(plan.extent(group)))
      domain.append(dimension)
      return index
    }
  }

  mutating func build(region: ScalarFunction?) throws {
    let (batch, rows, columns) = (parallel(plan.batch), parallel(plan.rows), parallel(plan.columns))
    let (width, tile) = (plan.width, plan.tile)
    var block: [Statement] = []
    let units = plan.isPacked ? plan.panelCount : plan.extent(plan.column)
    let unitsAtOnce = plan.isPacked ? max(1, tile.columns / width) : max(1, tile.columns)
    let (columnBlocks, columnBlock) = builder.dimension("g", IntegerExpression(units.dividedRoundingUp(by: unitsAtOnce)))
    let (rowBlocks, rowBlock) = builder.dimension("t", IntegerExpression(plan.extent(plan.row).dividedRoundingUp(by: tile.rows)))
    domain += [columnBlocks, rowBlocks]
    let firstRow = builder.define("first_row", rowBlock * .constant(tile.rows), in: &block)
    let first = builder.define(plan.isPacked ? "first_panel" : "first_column", columnBlock * .constant(unitsAtOnce), in: &block)
    let rowCount = builder.define("rows", .blockSize(plan.extent(plan.row), block: firstRow, size: tile.rows), in: &block)
    let count = builder.define(
      plan.isPacked ? "panels" : "columns", .blockSize(units, block: first, size: unitsAtOnce), in: &block)

    /// One part of the depth. `sums` is where they lie between parts; nil where there is one part alone.
    func contract(_ depth: ContractionPlan.Depth, _ sums: Place?, isFirst: Bool, isLast: Bool, in statements: inout [Statement])
      throws
    {
      let (rowDimension, r) = builder.dimension("r", rowCount)
      var columnDimensions: [Dimension] = []
      let c: IntegerExpression
      let column: IntegerExpression
      let rightIndices: [IntegerExpression]
      let inTile: IntegerExpression
      if plan.isPacked {
        let (panelDimension, p) = builder.dimension("p", count)
        let (columnDimension, within) = builder.dimension("c", .constant(width))
        columnDimensions = [panelDimension, columnDimension]
        (c, column, inTile) = (within, (first + p) * .constant(width) + within, p * .constant(width) + within)
        rightIndices = batch + columns + [first + p] + depth.packed(column: c)
      } else {
        let (columnDimension, within) = builder.dimension("c", count)
        columnDimensions = [columnDimension]
        (c, column, inTile) = (within, first + within, within)
        rightIndices = batch + columns + [column] + depth.left
      }
      var epilogue = Body(parameters: [ScalarFunction.Parameter("sum", plan.accumulator)])
      if isLast {
        let at = batch + rows + columns + [firstRow + r, column]
        var results = [BodyValue(0)]
        if let region {
          let values = zip(extras, plan.extras).map { $0.read(at, as: $1.element.computed, guarded: guarded, in: &epilogue) }
          results = try epilogue.compute(region, [BodyValue(0)] + values)
        }
        epilogue.store(results[0], target.access(at, guarded: guarded))
      } else {
        epilogue.store(BodyValue(0), Access(sums!, r, inTile))
      }
      statements.append(
        .contract(
          Contraction(
            rows: rowDimension, columns: columnDimensions, over: depth.dimensions,
            left: left.access(batch + rows + [firstRow + r] + depth.left), right: right.access(rightIndices),
            initial: isFirst ? nil : Access(sums!, r, inTile), accumulator: plan.accumulator, epilogue: epilogue)))
    }

    guard let parts = plan.depthParts else {
      try contract(plan.depth(builder), nil, isFirst: true, isLast: true, in: &block)
      builder.phase("multiply", domain, block)
      return
    }
    let sums = builder.tile("sums", plan.accumulator, [tile.rows, plan.isPacked ? unitsAtOnce * width : unitsAtOnce], in: &block)
    func part(_ start: IntegerExpression, _ length: Int) -> ContractionPlan.Depth { plan.depth(builder, from: start, length) }
    try contract(part(0, parts.length), sums, isFirst: true, isLast: false, in: &block)
    if parts.count > 2 {
      let start = builder.variable("k")
      var round: [Statement] = []
      try contract(part(.variable(start), parts.length), sums, isFirst: false, isLast: false, in: &round)
      let end = IntegerExpression.constant((parts.count - 1) * parts.length)
      block.append(.loop(Loop(start, from: .constant(parts.length), to: end, step: parts.length, body: round)))
    }
    let done = (parts.count - 1) * parts.length
    try contract(part(.constant(done), parts.total - done), sums, isFirst: false, isLast: true, in: &block)
    builder.phase("multiply", domain, block)
  }
}

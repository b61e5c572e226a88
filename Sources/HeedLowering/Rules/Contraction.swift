import HeedIR

extension LoweringRule {
  /// A contraction, alone or with an epilogue on its accumulators.
  ///
  /// The right operand is packed into panels (at load, where it is a parameter), so that the inner loop reads it in order. Blocks of
  /// rows and panels run in parallel; each accumulates over the whole depth. 16-bit operands are widened as they are packed or
  /// loaded; where the target multiplies pairs of bf16, such operands stay as they are.
  static let contraction = LoweringRule { context, node in
    let plan = try ContractionPlan(&context, node)
    let graph = context.graph
    let panels = try context.packedPanels(plan)
    let width = plan.width

    let tile = graph.attributes(node)["tile"] == nil ? [96, 4 * width] : graph.attributes(node).integers("tile")
    let panelsAtOnce = max(1, tile[1] / width)
    var builder = KernelBuilder(Name(graph.op(node).mnemonic))
    let inResult = plan.outer + plan.columns + [plan.row, plan.column]
    let boundLeft = builder.input(plan.left.arranged(plan.outer + [plan.row] + plan.over))
    let boundPanels = builder.input(panels)
    let boundExtras = plan.extras.map { extra in
      builder.input(
        extra.source.arranged(inResult.map { plan.output.positions($0) }, plan.output.view.shape))
    }
    // The columns of the last panel that there are not: their results are not stored.
    let guarded: Set<Int> = plan.hasWholePanels ? [] : [inResult.count - 1]
    let target = builder.output(plan.output.arranged(inResult), guarding: guarded)

    var domain: [Dimension] = []
    func domainIndices(_ groups: [[Character]]) -> [IntegerExpression] {
      groups.map { group in
        let (dimension, index) = builder.dimension(Name(String(group)), IntegerExpression(plan.extent(group)))
        domain.append(dimension)
        return index
      }
    }
    let batchIndices = domainIndices(plan.batch)
    let rowIndices = domainIndices(plan.rows)
    let columnIndices = domainIndices(plan.columns)
    let (panelBlocks, panelBlock) = builder.dimension(
      "g", IntegerExpression(plan.panelCount.dividedRoundingUp(by: panelsAtOnce)))
    let (rowBlocks, rowBlock) = builder.dimension("t", IntegerExpression(plan.extent(plan.row).dividedRoundingUp(by: tile[0])))
    domain += [panelBlocks, rowBlocks]
    var block: [Statement] = []
    let firstRow = builder.define("first_row", rowBlock * .constant(tile[0]), in: &block)
    let firstPanel = builder.define("first_panel", panelBlock * .constant(panelsAtOnce), in: &block)
    let rowCount = builder.define("rows", .blockSize(plan.extent(plan.row), block: firstRow, size: tile[0]), in: &block)
    let panelsHere = builder.define("panels", .blockSize(plan.panelCount, block: firstPanel, size: panelsAtOnce), in: &block)

    let (rowDimension, r) = builder.dimension("r", rowCount)
    let (panelDimension, p) = builder.dimension("p", panelsHere)
    let (columnDimension, c) = builder.dimension("c", .constant(width))
    let depth = plan.depth(&builder)
    let at = batchIndices + rowIndices + columnIndices + [firstRow + r, (firstPanel + p) * .constant(width) + c]
    var epilogue = Body(parameters: [ScalarFunction.Parameter("sum", plan.accumulator)])
    var results = [BodyValue(0)]
    if let region = graph.regions(node).first {
      let values = zip(boundExtras, plan.extras).map { $0.read(at, as: $1.element.computed, guarded: guarded, in: &epilogue) }
      results = try epilogue.compute(region, [BodyValue(0)] + values)
    }
    epilogue.store(results[0], target.access(at, guarded: guarded))
    block.append(
      .contract(
        Contraction(
          rows: rowDimension, columns: [panelDimension, columnDimension], over: depth.dimensions,
          left: boundLeft.access(batchIndices + rowIndices + [firstRow + r] + depth.left),
          right: boundPanels.access(batchIndices + columnIndices + [firstPanel + p] + depth.right(column: c)),
          accumulator: plan.accumulator, epilogue: epilogue)))
    builder.phase("multiply", domain, block)
    try context.emit(builder, cost: context.cost(node))
  }
}

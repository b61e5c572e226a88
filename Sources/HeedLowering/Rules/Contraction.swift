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
    let product = ProductKernel(plan, Name(context.graph.op(node).mnemonic), right)
    try product.build(region: context.graph.regions(node).first)
    try context.emit(product.builder, cost: context.cost(node))
  }
}

/// The kernel of a contraction being built.
private struct ProductKernel {
  let plan: ContractionPlan
  let builder: KernelBuilder
  let left: BoundView
  let right: BoundView
  let extras: [BoundSource]
  let target: BoundView
  /// The dimensions of the result whose indices may be outside.
  let guarded: Set<Int>

  /// What one point of the domain computes: indices and, for rows and for panels or columns, the first and how many.
  struct Block {
    let batch: [IntegerExpression]
    let rows: [IntegerExpression]
    let columns: [IntegerExpression]
    let firstRow: IntegerExpression
    let rowCount: IntegerExpression
    let first: IntegerExpression
    let count: IntegerExpression
  }

  init(_ plan: ContractionPlan, _ name: Name, _ rightView: StridedView) {
    self.plan = plan
    let (builder, groups) = (KernelBuilder(name), plan.groups)
    let inResult = groups.outer + groups.columns + [groups.row, groups.column]
    left = builder.input(plan.left.arranged(groups.outer + [groups.row] + groups.over))
    right = builder.input(rightView)
    let (output, shape) = (plan.output, plan.output.view.shape)
    extras = plan.extras.map { builder.input($0.source.arranged(inResult.map(output.positions), shape)) }
    // The columns of the last panel that there are not: their results are not stored.
    guarded = plan.isPacked && !plan.hasWholePanels ? [inResult.count - 1] : []
    target = builder.output(output.arranged(inResult), guarding: guarded)
    self.builder = builder
  }

  /// The panels of the right operand, or its columns where it is not packed: how many there are, and how many a block takes.
  private var units: (count: Extent, atOnce: Int) {
    plan.isPacked
      ? (plan.panelCount, max(1, plan.tile.columns / plan.width))
      : (plan.groups.extent(plan.groups.column), max(1, plan.tile.columns))
  }

  func build(region: ScalarFunction?) throws {
    let (groups, tile, units) = (plan.groups, plan.tile, units)
    let (batch, batchIndices) = builder.domain(groups.named(groups.batch))
    let (rows, rowIndices) = builder.domain(groups.named(groups.rows))
    let (columns, columnIndices) = builder.domain(groups.named(groups.columns))
    let rowExtent = groups.extent(groups.row)
    let (columnBlocks, columnBlock) = builder.dimension("g", IntegerExpression(units.count.dividedRoundingUp(by: units.atOnce)))
    let (rowBlocks, rowBlock) = builder.dimension("t", IntegerExpression(rowExtent.dividedRoundingUp(by: tile.rows)))
    try builder.phase("multiply", batch + rows + columns + [columnBlocks, rowBlocks]) {
      let firstRow = builder.define("first_row", rowBlock * .constant(tile.rows))
      let first = builder.define(plan.isPacked ? "first_panel" : "first_column", columnBlock * .constant(units.atOnce))
      let rowCount = builder.define("rows", .blockSize(rowExtent, block: firstRow, size: tile.rows))
      let count = builder.define(plan.isPacked ? "panels" : "columns", .blockSize(units.count, block: first, size: units.atOnce))
      try multiply(
        Block(
          batch: batchIndices, rows: rowIndices, columns: columnIndices, firstRow: firstRow, rowCount: rowCount, first: first,
          count: count), region)
    }
  }

  /// The products of a block, over the depth at once or part by part.
  private func multiply(_ at: Block, _ region: ScalarFunction?) throws {
    guard let parts = plan.depthParts else {
      return try contract(at, plan.depth(builder), from: nil) { try store($0, at, $1, region, in: &$2) }
    }
    let atOnce = units.atOnce
    let sums = builder.tile("sums", plan.accumulator, [plan.tile.rows, plan.isPacked ? atOnce * plan.width : atOnce])
    func keep(_ row: IntegerExpression, _ column: Column, in body: inout BodyBuilder) {
      body.store(BodyValue(0), Access(sums, row, column.inBlock))
    }
    let done = (parts.count - 1) * parts.length
    try contract(at, plan.depth(builder, from: 0, parts.length), from: nil) { keep($0, $1, in: &$2) }
    if parts.count > 2 {
      try builder.loop("k", from: .constant(parts.length), to: .constant(done), step: parts.length) { start in
        try contract(at, plan.depth(builder, from: start, parts.length), from: sums) { keep($0, $1, in: &$2) }
      }
    }
    let rest = plan.depth(builder, from: .constant(done), parts.total - done)
    try contract(at, rest, from: sums) { try store($0, at, $1, region, in: &$2) }
  }

  /// A column of a block: its index in all, and in the block.
  private struct Column {
    let index: IntegerExpression
    let inBlock: IntegerExpression
  }

  /// The products of a block over a part of the depth.
  /// - Parameters:
  ///   - initial: the sums so far; nil for none.
  ///   - finish: does with a sum, the first value of the body, what is to be done.
  private func contract(
    _ at: Block, _ depth: ContractionPlan.Depth, from initial: Place?,
    _ finish: (_ row: IntegerExpression, _ column: Column, _ body: inout BodyBuilder) throws -> Void
  ) throws {
    let (rowDimension, r) = builder.dimension("r", at.rowCount)
    let columnDimensions: [Dimension]
    let column: Column
    let rightIndices: [IntegerExpression]
    if plan.isPacked {
      let width = IntegerExpression.constant(plan.width)
      let (panelDimension, p) = builder.dimension("p", at.count)
      let (columnDimension, c) = builder.dimension("c", width)
      columnDimensions = [panelDimension, columnDimension]
      column = Column(index: (at.first + p) * width + c, inBlock: p * width + c)
      rightIndices = [at.first + p] + depth.packed(column: c)
    } else {
      let (columnDimension, c) = builder.dimension("c", at.count)
      columnDimensions = [columnDimension]
      column = Column(index: at.first + c, inBlock: c)
      rightIndices = [column.index] + depth.left
    }
    var body = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", plan.accumulator)])
    try finish(r, column, &body)
    builder.contract(
      Contraction(
        rows: rowDimension, columns: columnDimensions, over: depth.dimensions,
        left: left.access(at.batch + at.rows + [at.firstRow + r] + depth.left),
        right: right.access(at.batch + at.columns + rightIndices),
        initial: initial.map { Access($0, r, column.inBlock) }, accumulator: plan.accumulator, epilogue: body.finish()))
  }

  /// Stores a result: a sum, or what the region makes of it.
  private func store(
    _ row: IntegerExpression, _ at: Block, _ column: Column, _ region: ScalarFunction?, in body: inout BodyBuilder
  ) throws {
    let indices = at.batch + at.rows + at.columns + [at.firstRow + row, column.index]
    var results = [BodyValue(0)]
    if let region {
      let values = zip(extras, plan.extras).map { $0.read(indices, as: $1.element.computed, guarded: guarded, in: &body) }
      results = body.inline(region, [BodyValue(0)] + values, narrowFloats: .rounded)
    }
    body.store(results[0], target.access(indices, guarded: guarded))
  }
}

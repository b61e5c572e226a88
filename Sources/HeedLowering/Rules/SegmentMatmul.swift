import HeedIR

extension LoweringRule {
  /// The rows of each segment times a matrix of its own.
  ///
  /// Segments and blocks of columns run in parallel. Each goes through its rows in blocks, whose sums are in registers, so that the columns
  /// of the matrix stay in caches; neither rows nor matrices are copied. Offsets that the graph computes are not known to cover the
  /// rows: then those that none covers are 0.
  static let segmentMatmul = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let (type, matrices) = (context.graph.type(operands[0]), context.graph.type(operands[1]))
    let (rowCount, depth, width) = (type.shape[0], type.shape[1], matrices.shape[2])
    let offsets = try context.offsets(operands[2], total: rowCount)
    let (left, right) = (try context.view(operands[0]), try context.view(operands[1]))
    let output = context.allocateResult(node)
    let builder = KernelBuilder(Op.segmentMatmul)
    let (x, y, bound) = (builder.input(left), builder.input(right), builder.input(offsets))
    let target = builder.output(output)
    let (rowBlock, columnBlock) = (64, 64)
    if context.inputBuffer(operands[2]) == nil {
      let (domain, row) = builder.dimension("r", IntegerExpression(rowCount))
      builder.phase("clear", [domain]) {
        builder.map([("c", IntegerExpression(width))]) { body, at in
          body.store(body.constant(0, type.element.computed), target.access([row] + at))
        }
      }
    }
    let (segments, segment) = builder.dimension("s", IntegerExpression(matrices.shape[0]))
    let (blocks, block) = builder.dimension("t", IntegerExpression(width.dividedRoundingUp(by: columnBlock)))
    builder.phase("multiply", [segments, blocks]) {
      let firstColumn = builder.define("first_column", block * .constant(columnBlock))
      let columns = builder.define("columns", .blockSize(width, block: firstColumn, size: columnBlock))
      let start = builder.define("start", .apply(.maximum, .load(bound.access([segment])), 0))
      let end = builder.define("end", .smaller(.load(bound.access([segment + 1])), IntegerExpression(rowCount)))
      builder.loop("row", from: start, to: end, step: rowBlock) { row in
        let rows = builder.define("rows", .smaller(end - row, .constant(rowBlock)))
        let (rowDimension, r) = builder.dimension("r", rows)
        let (columnDimension, c) = builder.dimension("c", columns)
        let (depthDimension, d) = builder.dimension("d", IntegerExpression(depth))
        var body = BodyBuilder(parameters: [ScalarFunction.Parameter("sum", type.element.computed)])
        body.store(BodyValue(0), target.access([row + r, firstColumn + c]))
        builder.contract(
          Contraction(
            rows: rowDimension, columns: [columnDimension], over: [depthDimension], left: x.access([row + r, d]),
            right: y.access([segment, d, firstColumn + c]), accumulator: type.element.computed, epilogue: body.finish()))
      }
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

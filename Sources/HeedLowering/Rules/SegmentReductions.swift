import HeedIR

extension LoweringRule {
  /// Sums of the rows of each segment.
  static let segmentSum = segmentReduction(.add)

  /// The greatest elements of the rows of each segment.
  static let segmentMax = segmentReduction(.maximum)

  /// The rows of each segment put together. Segments and blocks of columns run in parallel.
  private static func segmentReduction(_ reduction: Reduction) -> LoweringRule {
    LoweringRule { context, node in
      let operands = Array(context.graph.operands(node))
      let type = context.graph.type(operands[0])
      let offsets = try context.offsets(operands[1], total: type.shape[0])
      let input = try context.view(operands[0])
      let output = context.allocateResult(node)
      let inner = Array(1..<type.rank)
      let groups = context.collapsedDimensions(
        inner.map { type.shape[$0] }, sources: [.view(input.transposed(inner)), .view(output.transposed(inner))]
      ).map { $0.map { inner[$0] } }
      let columns = groups.isEmpty ? [[]] : groups
      let blockSize = 256
      let builder = KernelBuilder(context.graph.op(node))
      let rows = builder.input(input.collapsedKeepingAll([[0]] + columns, type.shape.extents))
      let bound = builder.input(offsets)
      let target = builder.output(output.collapsedKeepingAll([[0]] + columns, output.shape))
      let (domain, segment) = builder.dimension("s", IntegerExpression(offsets.shape[0] - 1))
      let extent = { (group: [Int]) in group.reduce(Extent(1)) { $0 * type.shape[$1] } }
      let (inners, outer) = builder.domain(columns.dropLast().map(extent))
      let width = extent(columns.last!)
      let (blocks, blockIndex) = builder.dimension("t", IntegerExpression(width.dividedRoundingUp(by: blockSize)))
      let first = blockIndex * .constant(blockSize)
      let count = IntegerExpression.blockSize(width, block: first, size: blockSize)
      let wide = type.element.accumulated
      guard let accumulation = reduction.accumulation(type.element) else {
        throw context.unsupported(node, "no kernel combines by \(reduction)")
      }
      builder.phase("run", [domain] + inners + [blocks]) {
        let start = builder.define("start", .load(bound.access([segment])))
        let length = builder.define("length", .load(bound.access([segment + 1])) - start)
        let total = builder.tile(reduction == .add ? "sum" : "extremum", wide, [blockSize])
        let unordered = reduction.isExtremum && type.element.isFloat ? builder.tile("unordered", wide, [blockSize]) : nil
        builder.map([("c", count)]) { body, at in
          body.store(body.constant(reduction.identity(type.element), wide), Access(total, at[0]))
          if let unordered { body.store(body.constant(0, wide), Access(unordered, at[0])) }
        }
        builder.map([("r", length), ("c", count)]) { body, at in
          let value = body.load(rows.access([start + at[0]] + outer + [first + at[1]], guarded: [0]), type.element)
          let converted = body.apply(.convert, value, type: wide)
          body.accumulate(accumulation, converted, Access(total, at[1]))
          if let unordered { body.accumulateNaN(converted, wide, Access(unordered, at[1])) }
        }
        builder.map([("c", count)]) { body, at in
          var result = body.load(Access(total, at[0]), wide)
          if let unordered { result = body.unlessNaN(result, wide, Access(unordered, at[0])) }
          body.store(body.apply(.convert, result, type: type.element), target.access([segment] + outer + [first + at[0]]))
        }
      }
      try context.emit(builder, cost: context.cost(node))
    }
  }
}

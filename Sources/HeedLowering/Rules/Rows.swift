import HeedIR

/// Ops that reduce each row of a tensor and then change its elements: softmax and the norms.
extension LoweringRule {
  /// exp(x - max) / sum, in three sweeps over a block of rows. A row of -inf only becomes zeros.
  static let softmax = LoweringRule { context, node in
    try context.emitRows(node, dimension: context.graph.attributes(node).required(.dim)) { rows in
      let maximum = rows.statistic("maximum", startingAt: -.infinity)
      let sum = rows.statistic("sum", startingAt: 0)
      rows.sweep { body, point in body.accumulate(.maximum, rows.element(point, &body), maximum(point)) }
      let isNarrow = rows.element != rows.stored
      func weight(_ body: inout BodyBuilder, _ point: RowKernel.Point) throws -> BodyValue {
        let shifted = body.apply(.subtract, rows.element(point, &body), body.load(maximum(point), rows.element))
        return body.apply(.exp, shifted)
      }
      // -inf - -inf would be NaN: a row without a finite element is shifted by 0.
      rows.forEachRow { body, point in
        let largest = body.load(maximum(point), rows.element)
        let isDead = body.apply(.equal, largest, body.constant(-.infinity, rows.element))
        body.store(body.apply(.select, isDead, body.constant(0, rows.element), largest), maximum(point))
      }
      try rows.sweep { body, point in
        let weight = try weight(&body, point)
        if !isNarrow { body.store(weight, rows.result(point)) }
        body.accumulate(.add, weight, sum(point))
      }
      rows.forEachRow { body, point in
        let total = body.load(sum(point), rows.element)
        let isDead = body.apply(.equal, total, body.constant(0, rows.element))
        let inverse = body.apply(.divide, body.constant(1, rows.element), total)
        body.store(body.apply(.select, isDead, body.constant(0, rows.element), inverse), sum(point))
      }
      try rows.sweep { body, point in
        // Narrow results would round the weights before they are scaled: those are computed again.
        let weight = try isNarrow ? weight(&body, point) : body.load(rows.result(point), rows.element)
        body.store(body.apply(.multiply, weight, body.load(sum(point), rows.element)), rows.result(point))
      }
    }
  }

  /// (x - mean) / sqrt(variance + epsilon) * scale + bias; the variance is that of the differences from the mean.
  static let layerNorm = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let epsilon = context.graph.attributes(node).required(.epsilon).real
    try context.emitRows(
      node, dimension: context.graph.type(operands[0]).rank - 1, perColumn: Array(operands.dropFirst())
    ) { rows in
      let mean = rows.statistic("mean", startingAt: 0)
      let variance = rows.statistic("variance", startingAt: 0)
      rows.sweep { body, point in body.accumulate(.add, rows.element(point, &body), mean(point)) }
      rows.forEachRow { body, point in
        body.store(body.apply(.divide, body.load(mean(point), rows.element), rows.count(&body)), mean(point))
      }
      rows.sweep { body, point in
        let difference = body.apply(.subtract, rows.element(point, &body), body.load(mean(point), rows.element))
        body.accumulate(.add, body.apply(.multiply, difference, difference), variance(point))
      }
      rows.forEachRow { body, point in
        let average = body.apply(.divide, body.load(variance(point), rows.element), rows.count(&body))
        let deviation = body.apply(.sqrt, body.apply(.add, average, body.constant(epsilon, rows.element)))
        body.store(body.apply(.divide, body.constant(1, rows.element), deviation), variance(point))
      }
      rows.sweep { body, point in
        let difference = body.apply(.subtract, rows.element(point, &body), body.load(mean(point), rows.element))
        let normal = body.apply(.multiply, difference, body.load(variance(point), rows.element))
        let scale = rows.perColumn(0, point, &body)
        body.store(body.apply(.fusedMultiplyAdd, normal, scale, rows.perColumn(1, point, &body)), rows.result(point))
      }
    }
  }

  /// x / sqrt(mean of squares + epsilon) * scale.
  static let rmsNorm = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let epsilon = context.graph.attributes(node).required(.epsilon).real
    try context.emitRows(
      node, dimension: context.graph.type(operands[0]).rank - 1, perColumn: Array(operands.dropFirst())
    ) { rows in
      let square = rows.statistic("square", startingAt: 0)
      rows.sweep { body, point in
        let x = rows.element(point, &body)
        body.accumulate(.add, body.apply(.multiply, x, x), square(point))
      }
      rows.forEachRow { body, point in
        let average = body.apply(.divide, body.load(square(point), rows.element), rows.count(&body))
        let root = body.apply(.sqrt, body.apply(.add, average, body.constant(epsilon, rows.element)))
        body.store(body.apply(.divide, body.constant(1, rows.element), root), square(point))
      }
      rows.sweep { body, point in
        let normal = body.apply(.multiply, rows.element(point, &body), body.load(square(point), rows.element))
        body.store(body.apply(.multiply, normal, rows.perColumn(0, point, &body)), rows.result(point))
      }
    }
  }
}

/// A kernel being built that works on blocks of rows: statistics of each row in small tiles, sweeps over all elements.
struct RowKernel {
  /// A row of the block, and a column where there is one.
  struct Point {
    var row: IntegerExpression
    var column: IntegerExpression?
  }

  /// The type that elements are computed in.
  let element: ElementType
  /// The type that results are stored as.
  let stored: ElementType
  fileprivate let builder: KernelBuilder
  fileprivate let input: BoundSource
  fileprivate let output: BoundView
  fileprivate let columnInputs: [BoundSource]
  fileprivate let outer: [IntegerExpression]
  fileprivate let rowCount: IntegerExpression
  fileprivate let columns: Extent
  fileprivate static let blockRows = 16

  /// A number for each row of the block.
  func statistic(_ name: Name, startingAt value: Double) -> (Point) -> Access {
    let place = builder.tile(name, element, [Self.blockRows])
    forEachRow { body, point in body.store(body.constant(value, element), Access(place, point.row)) }
    return { Access(place, $0.row) }
  }

  /// Every element of the block.
  func sweep(_ build: (inout BodyBuilder, Point) throws -> Void) rethrows {
    try builder.map([("r", rowCount), ("c", IntegerExpression(columns))]) { body, indices in
      try build(&body, Point(row: indices[0], column: indices[1]))
    }
  }

  /// Every row of the block.
  func forEachRow(_ build: (inout BodyBuilder, Point) throws -> Void) rethrows {
    try builder.map([("r", rowCount)]) { body, indices in try build(&body, Point(row: indices[0])) }
  }

  private func indices(_ point: Point) -> [IntegerExpression] {
    // The last outer index is the first row of the block.
    Array(outer.dropLast()) + [outer.last! + point.row, point.column!]
  }

  func element(_ point: Point, _ body: inout BodyBuilder) -> BodyValue { input.read(indices(point), as: element, in: &body) }
  func result(_ point: Point) -> Access { output.access(indices(point)) }

  /// The element of a vector that goes along the columns.
  func perColumn(_ position: Int, _ point: Point, _ body: inout BodyBuilder) -> BodyValue {
    columnInputs[position].read([point.column!], as: element, in: &body)
  }

  /// The number of columns as a value.
  func count(_ body: inout BodyBuilder) -> BodyValue { body.index(IntegerExpression(columns), element) }
}

extension LoweringContext {
  /// A kernel for a node whose result has the shape of its first operand and whose rows run along `dimension`.
  mutating func emitRows(
    _ node: NodeID, dimension: Int, perColumn: [ValueID] = [], _ build: (RowKernel) throws -> Void
  ) throws {
    let operand = graph.operands(node).first!
    let type = graph.type(operand)
    let output = allocateResult(node)
    // The rows' dimension last; the others as few as their strides allow.
    let order = (0..<type.rank).filter { $0 != dimension } + [dimension]
    let shape = order.map { type.shape[$0] }
    let source = self.source(operand).transposed(order)
    let target = output.transposed(order)
    let outerShape = Array(shape.dropLast())
    var groups = collapsedDimensions(outerShape, sources: [source.dropLastDimension, .view(target.dropLastDimension)])
    if groups.isEmpty { groups = [[]] }
    let collapsed = groups + [[shape.count - 1]]
    let builder = KernelBuilder(graph.op(node))
    let input = builder.input(source.collapsedKeepingAll(collapsed, shape))
    let columnInputs = perColumn.map { builder.input(self.source($0)) }
    let bound = builder.output(target.collapsedKeepingAll(collapsed, shape))
    let extents = groups.map { group in group.reduce(Extent(1)) { $0 * shape[$1] } }
    let (domain, outer) = builder.domain(extents.dropLast())
    let rows = extents.last!
    let (blocks, block) = builder.dimension("t", IntegerExpression(rows.dividedRoundingUp(by: RowKernel.blockRows)))
    let start = block * .constant(RowKernel.blockRows)
    let kernel = RowKernel(
      element: type.element.computed, stored: output.element, builder: builder, input: input, output: bound,
      columnInputs: columnInputs, outer: outer + [start],
      rowCount: .blockSize(rows, block: start, size: RowKernel.blockRows), columns: shape.last!)
    try builder.phase("run", domain + [blocks]) { try build(kernel) }
    try emit(builder, cost: cost(node))
  }
}

extension Source {
  fileprivate var dropLastDimension: Source {
    switch self {
    case .view(let view): .view(view.dropLastDimension)
    case .iota, .literal, .extent: self
    }
  }

  fileprivate func collapsedKeepingAll(_ groups: [[Int]], _ shape: [Extent]) -> Source {
    switch self {
    case .view(let view): .view(view.collapsedKeepingAll(groups, shape))
    case .iota, .literal, .extent: collapsed(groups, shape)
    }
  }
}

extension StridedView {
  fileprivate var dropLastDimension: StridedView {
    var view = self
    view.shape.removeLast()
    view.strides.removeLast()
    return view
  }

  /// As `collapsed`, but an empty group is a dimension of extent 1.
  func collapsedKeepingAll(_ groups: [[Int]], _ shape: [Extent]) -> StridedView {
    var view = self
    view.shape = groups.map { group in group.reduce(Extent(1)) { $0 * shape[$1] } }
    view.strides = groups.map { $0.last.map { strides[$0] } ?? 0 }
    return view
  }
}

import HeedIR

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
  fileprivate let inputs: [BoundSource]
  fileprivate let output: BoundView
  fileprivate let columnInputs: [BoundSource]
  /// The indices before the row; the last one is the first row of the block.
  fileprivate let outer: [IntegerExpression]
  fileprivate let rowCount: IntegerExpression
  fileprivate let columns: Extent
  /// Where the sums of columns of a task are.
  fileprivate let columnSums: [(_ column: IntegerExpression) -> Access]
  /// The rows of a block.
  static let blockRows = 16

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
    Array(outer.dropLast()) + [outer.last! + point.row, point.column!]
  }

  /// An element of one of the operands that have rows.
  func element(_ point: Point, of operand: Int = 0, _ body: inout BodyBuilder) -> BodyValue {
    inputs[operand].read(indices(point), as: element, in: &body)
  }
  func result(_ point: Point) -> Access { output.access(indices(point)) }

  /// The element of a vector that goes along the columns.
  func perColumn(_ position: Int, _ point: Point, _ body: inout BodyBuilder) -> BodyValue {
    columnInputs[position].read([point.column!], as: element, in: &body)
  }

  /// Where values of the point's column are added up over all rows.
  func columnSum(_ position: Int, _ point: Point) -> Access { columnSums[position](point.column!) }

  /// The number of columns as a value.
  func count(_ body: inout BodyBuilder) -> BodyValue { body.index(IntegerExpression(columns), element) }
}

extension LoweringContext {
  /// A kernel for a node whose first result has the shape of its first operand and whose rows run along `dimension`. Further results are
  /// sums of columns.
  /// - Parameters:
  ///   - rows: the operands that have rows; the first one alone unless given.
  ///   - perColumn: the operands with one element for each column.
  mutating func emitRows(
    _ node: NodeID, dimension: Int, rows operands: [ValueID]? = nil, perColumn: [ValueID] = [], _ build: (RowKernel) throws -> Void
  ) throws {
    let operands = operands ?? [graph.operands(node).first!]
    let (type, results) = (graph.type(operands[0]), Array(graph.results(node)))
    let output = allocateResult(results[0])
    // The rows' dimension last; the others as few as their strides allow.
    let order = (0..<type.rank).filter { $0 != dimension } + [dimension]
    let shape = order.map { type.shape[$0] }
    let sources = operands.map { source($0).transposed(order) }
    let target = output.transposed(order)
    let outerShape = Array(shape.dropLast())
    var groups = collapsedDimensions(
      outerShape, sources: sources.map(\.dropLastDimension) + [.view(target.dropLastDimension)])
    if groups.isEmpty { groups = [[]] }
    let collapsed = groups + [[shape.count - 1]]
    let builder = KernelBuilder(graph.op(node))
    let inputs = sources.map { builder.input($0.collapsedKeepingAll(collapsed, shape)) }
    let columnInputs = perColumn.map { builder.input(self.source($0)) }
    let bound = builder.output(target.collapsedKeepingAll(collapsed, shape))
    let extents = groups.map { group in group.reduce(Extent(1)) { $0 * shape[$1] } }
    let sums = ColumnSums(
      builder, results.dropFirst().map { builder.output(allocateResult($0)) }, of: type.element.computed, columns: shape.last!,
      outer: Array(extents.dropLast()), rows: extents.last!)
    func kernel(_ outer: [IntegerExpression], _ start: IntegerExpression, _ count: IntegerExpression) -> RowKernel {
      RowKernel(
        element: type.element.computed, stored: output.element, builder: builder, inputs: inputs, output: bound,
        columnInputs: columnInputs, outer: outer + [start], rowCount: count, columns: shape.last!,
        columnSums: sums.places.indices.map { sum in { sums.place(sum, outer, start, $0) } })
    }
    let (domain, outer) = builder.domain(extents.dropLast())
    let (blocks, block) = builder.dimension("t", IntegerExpression(extents.last!.dividedRoundingUp(by: sums.rowsOfTask)))
    let start = block * .constant(sums.rowsOfTask)
    let count = IntegerExpression.blockSize(extents.last!, block: start, size: sums.rowsOfTask)
    try builder.phase("run", domain + [blocks]) {
      guard !sums.places.isEmpty else { return try build(kernel(outer, start, count)) }
      sums.clear(outer, start)
      let end = builder.define("end", start + count)
      try builder.loop("i", from: start, to: end, step: RowKernel.blockRows) { first in
        try build(kernel(outer, first, builder.define("rows", .smaller(end - first, .constant(RowKernel.blockRows)))))
      }
    }
    sums.combine()
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

import HeedIR

extension LoweringRule {
  /// The greatest elements of each row: a sweep for each, over those that come after the one before in the order of the result.
  ///
  /// That order is: larger elements first, of equal ones the lower index first, NaNs last.
  static let topK = LoweringRule { context, node in
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let count = context.graph.attributes(node).required(.count)
    context.addCheck(.range(start: 0, stop: Extent(count), extent: type.shape.extents.last!))
    let view = try context.view(operand)
    let outputs = context.allocateResults(node)
    let builder = KernelBuilder(Op.topK)
    let input = builder.input(view)
    let values = builder.output(outputs[.values]!, name: ResultName.values.name)
    let indices = builder.output(outputs[.indices]!, name: ResultName.indices.name)
    let (domain, row) = builder.domain(type.shape.extents.dropLast())
    let columns = IntegerExpression(type.shape.extents.last!)
    try builder.phase("run", domain) {
      let last = TopKCandidate.last(type.element, builder)
      try builder.loop("k", to: .constant(count)) { rank in
        let sweep = TopKSweep(type.element, input, row, after: last, builder)
        try builder.map([("c", columns)]) { body, at in
          let candidate = try sweep.candidate(at[0], &body)
          let value = body.apply(.select, candidate.isNumber, candidate.value, sweep.least(&body))
          body.accumulate(.maximum, value, sweep.best.value)
        }
        try builder.map([("c", columns)]) { body, at in
          let candidate = try sweep.candidate(at[0], &body)
          let best = body.load(sweep.best.value, sweep.wide)
          let isBest = body.apply(.and, candidate.isNumber, body.apply(.equal, candidate.value, best))
          body.accumulate(.minimum, body.apply(.select, isBest, candidate.index, sweep.none(&body)), sweep.best.index)
          if let isNaN = candidate.isNaN {
            body.accumulate(.minimum, body.apply(.select, isNaN, candidate.index, sweep.none(&body)), sweep.firstNaN)
          }
        }
        try builder.compute { body in
          let (value, index) = try sweep.taken(&body)
          body.store(body.apply(.convert, value, type: type.element), values.access(row + [rank]))
          body.store(index, indices.access(row + [rank]))
          body.store(value, last.value)
          body.store(index, last.index)
        }
      }
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

/// An element of a row and its index: scalars of a kernel.
private struct TopKCandidate {
  let value: Access
  let index: Access

  init(_ value: Scalar, _ index: Scalar) { (self.value, self.index) = (value.access, index.access) }

  /// The element taken last, at first one before all others.
  static func last(_ element: ElementType, _ builder: KernelBuilder) -> TopKCandidate {
    let first = Tile.Initial(Reduction.minimum.identity(element), as: element.accumulated)
    return TopKCandidate(
      builder.scalar("last_value", element.accumulated, initial: first), builder.scalar("last_index", .i32, initial: -1))
  }
}

/// A sweep over a row for the next of its greatest elements.
private struct TopKSweep {
  let element: ElementType
  /// The type that elements are compared in.
  let wide: ElementType
  let input: BoundView
  let row: [IntegerExpression]
  let last: TopKCandidate
  /// The greatest of those that come after the last one, and the index of the first such.
  let best: TopKCandidate
  /// The index of the first NaN that comes after it.
  let firstNaN: Access

  init(
    _ element: ElementType, _ input: BoundView, _ row: [IntegerExpression], after last: TopKCandidate, _ builder: KernelBuilder
  ) {
    (self.element, wide, self.input, self.row, self.last) = (element, element.accumulated, input, row, last)
    let none = Tile.Initial.expression(.constant(Self.none))
    best = TopKCandidate(
      builder.scalar("best_value", wide, initial: Tile.Initial(Reduction.maximum.identity(element), as: wide)),
      builder.scalar("best_index", .i32, initial: none))
    firstNaN = builder.scalar("first_nan", .i32, initial: none).access
  }

  /// What the sweep found: a number, or where no more are left, the first NaN.
  func taken(_ body: inout BodyBuilder) throws -> (value: BodyValue, index: BodyValue) {
    let value = body.load(best.value, wide)
    let index = body.load(best.index, .i32)
    guard element.isFloat else { return (value, index) }
    let isFound = body.apply(.notEqual, index, none(&body))
    return (
      body.apply(.select, isFound, value, body.constant(.nan, wide)),
      body.apply(.select, isFound, index, body.load(firstNaN, .i32))
    )
  }

  /// The identity of the maximum.
  func least(_ body: inout BodyBuilder) -> BodyValue {
    body.constant(Reduction.maximum.identity(element), wide)
  }

  /// An index above all others.
  private static let none = Int(Int32.max)
  func none(_ body: inout BodyBuilder) -> BodyValue { body.constant(Literal(Self.none), .i32) }

  /// The element at a column, its index, and whether it comes after the last one taken, as a number or as a NaN.
  func candidate(_ column: IntegerExpression, _ body: inout BodyBuilder) throws -> (
    value: BodyValue, index: BodyValue, isNumber: BodyValue, isNaN: BodyValue?
  ) {
    let value = body.apply(.convert, body.load(input.access(row + [column]), element), type: wide)
    let index = body.index(column, .i32)
    let before = body.load(last.value, wide)
    let isBehind = body.apply(.less, body.load(last.index, .i32), index)
    let isTie = body.apply(.and, body.apply(.equal, value, before), isBehind)
    let isNumber = body.apply(.or, body.apply(.less, value, before), isTie)
    guard element.isFloat else { return (value, index, isNumber, nil) }
    let isFirst = body.apply(.or, body.apply(.equal, before, before), isBehind)
    return (value, index, isNumber, body.apply(.and, body.apply(.notEqual, value, value), isFirst))
  }
}

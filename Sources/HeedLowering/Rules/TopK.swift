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
    var (body, round): ([Statement], [Statement]) = ([], [])
    let sweep = TopKSweep(element: type.element, input: input, row: row, builder, in: &body, round: &round)
    let rank = builder.variable("k")
    try builder.map([("c", columns)], in: &round) { body, at in
      let candidate = try sweep.candidate(at[0], &body)
      let value = try body.apply(.select, candidate.isNumber, candidate.value, sweep.least(&body))
      body.accumulate(.maximum, value, Access(sweep.bestValue))
    }
    try builder.map([("c", columns)], in: &round) { body, at in
      let candidate = try sweep.candidate(at[0], &body)
      let best = body.load(Access(sweep.bestValue), sweep.wide)
      let isBest = try body.apply(.and, candidate.isNumber, try body.apply(.equal, candidate.value, best))
      body.accumulate(.minimum, try body.apply(.select, isBest, candidate.index, sweep.none(&body)), Access(sweep.bestIndex))
      if let isNaN = candidate.isNaN {
        body.accumulate(.minimum, try body.apply(.select, isNaN, candidate.index, sweep.none(&body)), Access(sweep.firstNaN))
      }
    }
    try builder.compute(in: &round) { body in
      var value = body.load(Access(sweep.bestValue), sweep.wide)
      var index = body.load(Access(sweep.bestIndex), .i32)
      if type.element.isFloat {
        let isFound = try body.apply(.notEqual, index, sweep.none(&body))
        value = try body.apply(.select, isFound, value, body.constant(.nan, sweep.wide))
        index = try body.apply(.select, isFound, index, body.load(Access(sweep.firstNaN), .i32))
      }
      body.store(try body.converted(value, from: sweep.wide, to: type.element), values.access(row + [.variable(rank)]))
      body.store(index, indices.access(row + [.variable(rank)]))
      body.store(value, Access(sweep.lastValue))
      body.store(index, Access(sweep.lastIndex))
    }
    body.append(.loop(Loop(rank, from: 0, to: .constant(count), step: 1, body: round)))
    builder.phase("run", domain, body)
    try context.emit(builder, cost: context.cost(node))
  }
}

/// A sweep over a row for the next of its greatest elements.
private struct TopKSweep {
  let element: ElementType
  /// The type that elements are compared in.
  let wide: ElementType
  let input: BoundView
  let row: [IntegerExpression]
  /// The element taken last, and its index.
  let lastValue: Place
  let lastIndex: Place
  /// The greatest of those that come after it, and the index of the first such.
  let bestValue: Place
  let bestIndex: Place
  /// The index of the first NaN that comes after it.
  let firstNaN: Place

  /// - Parameters:
  ///   - body: where what was taken last is kept.
  ///   - round: the statements of a sweep.
  init(
    element: ElementType, input: BoundView, row: [IntegerExpression], _ builder: KernelBuilder, in body: inout [Statement],
    round: inout [Statement]
  ) {
    let wide = element.accumulated
    (self.element, self.wide, self.input, self.row) = (element, wide, input, row)
    func scalar(_ name: Name, startingAt value: Literal, in block: inout [Statement]) -> Place {
      builder.scalar(name, wide, initial: Tile.Initial(value, as: wide), in: &block)
    }
    lastValue = scalar("last_value", startingAt: Reduction.minimum.identity(element), in: &body)
    lastIndex = builder.scalar("last_index", .i32, initial: -1, in: &body)
    bestValue = scalar("best_value", startingAt: Reduction.maximum.identity(element), in: &round)
    bestIndex = builder.scalar("best_index", .i32, initial: .expression(.constant(Self.none)), in: &round)
    firstNaN = builder.scalar("first_nan", .i32, initial: .expression(.constant(Self.none)), in: &round)
  }

  /// The identity of the maximum.
  func least(_ body: inout Body) -> BodyValue {
    body.append(Body.Instruction(.constant(Reduction.maximum.identity(element)), type: wide))
  }

  /// An index above all others.
  private static let none = Int(Int32.max)
  func none(_ body: inout Body) -> BodyValue { body.append(Body.Instruction(.constant(Literal(Self.none)), type: .i32)) }

  /// The element at a column, its index, and whether it comes after the last one taken, as a number or as a NaN.
  func candidate(_ column: IntegerExpression, _ body: inout Body) throws -> (
    value: BodyValue, index: BodyValue, isNumber: BodyValue, isNaN: BodyValue?
  ) {
    let value = try body.converted(body.load(input.access(row + [column]), element), from: element, to: wide)
    let index = body.index(column, .i32)
    let last = body.load(Access(lastValue), wide)
    let isBehind = try body.apply(.less, body.load(Access(lastIndex), .i32), index)
    let isTie = try body.apply(.and, try body.apply(.equal, value, last), isBehind)
    let isNumber = try body.apply(.or, try body.apply(.less, value, last), isTie)
    guard element.isFloat else { return (value, index, isNumber, nil) }
    let isFirst = try body.apply(.or, try body.apply(.equal, last, last), isBehind)
    return (value, index, isNumber, try body.apply(.and, try body.apply(.notEqual, value, value), isFirst))
  }
}

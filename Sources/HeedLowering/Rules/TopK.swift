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
    let outputs = [context.allocateResult(node, 0), context.allocateResult(node, 1)]
    var builder = KernelBuilder("top_k")
    let input = builder.input(view)
    let values = builder.output(outputs[0], name: "values")
    let indices = builder.output(outputs[1], name: "indices")
    let (domain, row) = builder.domain(type.shape.extents.dropLast())
    let columns = IntegerExpression(type.shape.extents.last!)
    var body: [Statement] = []
    let sweep = TopKSweep(element: type.element, input: input, row: row, &builder, in: &body)
    builder.map([("u", 1)], in: &body) { body, _ in
      let greatest = type.element.isFloat ? Literal(Double.infinity) : Literal(type.element.integerRange.upperBound)
      body.store(body.append(Body.Instruction(.constant(greatest), type: sweep.wide)), Access(sweep.lastValue, 0))
      body.store(body.append(Body.Instruction(.constant(Literal(-1)), type: .i32)), Access(sweep.lastIndex, 0))
    }
    let rank = builder.variable("k")
    var round: [Statement] = []
    builder.map([("u", 1)], in: &round) { body, _ in
      body.store(sweep.least(&body), Access(sweep.bestValue, 0))
      body.store(sweep.none(&body), Access(sweep.bestIndex, 0))
      body.store(sweep.none(&body), Access(sweep.firstNaN, 0))
    }
    try builder.map([("c", columns)], in: &round) { body, at in
      let candidate = try sweep.candidate(at[0], &body)
      let value = try body.apply(.select, candidate.isNumber, candidate.value, sweep.least(&body))
      body.accumulate(.maximum, value, Access(sweep.bestValue, 0))
    }
    try builder.map([("c", columns)], in: &round) { body, at in
      let candidate = try sweep.candidate(at[0], &body)
      let best = body.load(Access(sweep.bestValue, 0), sweep.wide)
      let isBest = try body.apply(.and, candidate.isNumber, try body.apply(.equal, candidate.value, best))
      body.accumulate(.minimum, try body.apply(.select, isBest, candidate.index, sweep.none(&body)), Access(sweep.bestIndex, 0))
      if let isNaN = candidate.isNaN {
        body.accumulate(.minimum, try body.apply(.select, isNaN, candidate.index, sweep.none(&body)), Access(sweep.firstNaN, 0))
      }
    }
    try builder.map([("u", 1)], in: &round) { body, _ in
      var value = body.load(Access(sweep.bestValue, 0), sweep.wide)
      var index = body.load(Access(sweep.bestIndex, 0), .i32)
      if type.element.isFloat {
        let isFound = try body.apply(.notEqual, index, sweep.none(&body))
        value = try body.apply(.select, isFound, value, body.constant(.nan, sweep.wide))
        index = try body.apply(.select, isFound, index, body.load(Access(sweep.firstNaN, 0), .i32))
      }
      body.store(try body.converted(value, from: sweep.wide, to: type.element), values.access(row + [.variable(rank)]))
      body.store(index, indices.access(row + [.variable(rank)]))
      body.store(value, Access(sweep.lastValue, 0))
      body.store(index, Access(sweep.lastIndex, 0))
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

  init(element: ElementType, input: BoundView, row: [IntegerExpression], _ builder: inout KernelBuilder, in body: inout [Statement])
  {
    (self.element, self.input, self.row) = (element, input, row)
    wide = element.accumulated
    lastValue = builder.tile("last_value", wide, [1], in: &body)
    lastIndex = builder.tile("last_index", .i32, [1], in: &body)
    bestValue = builder.tile("best_value", wide, [1], in: &body)
    bestIndex = builder.tile("best_index", .i32, [1], in: &body)
    firstNaN = builder.tile("first_nan", .i32, [1], in: &body)
  }

  /// The identity of the maximum.
  func least(_ body: inout Body) -> BodyValue {
    body.append(Body.Instruction(.constant(Reduction.maximum.identity(element)), type: wide))
  }

  /// An index above all others.
  func none(_ body: inout Body) -> BodyValue { body.append(Body.Instruction(.constant(Literal(Int64(Int32.max))), type: .i32)) }

  /// The element at a column, its index, and whether it comes after the last one taken, as a number or as a NaN.
  func candidate(_ column: IntegerExpression, _ body: inout Body) throws -> (
    value: BodyValue, index: BodyValue, isNumber: BodyValue, isNaN: BodyValue?
  ) {
    let value = try body.converted(body.load(input.access(row + [column]), element), from: element, to: wide)
    let index = body.index(column, .i32)
    let last = body.load(Access(lastValue, 0), wide)
    let isBehind = try body.apply(.less, body.load(Access(lastIndex, 0), .i32), index)
    let isTie = try body.apply(.and, try body.apply(.equal, value, last), isBehind)
    let isNumber = try body.apply(.or, try body.apply(.less, value, last), isTie)
    guard element.isFloat else { return (value, index, isNumber, nil) }
    let isFirst = try body.apply(.or, try body.apply(.equal, last, last), isBehind)
    return (value, index, isNumber, try body.apply(.and, try body.apply(.notEqual, value, value), isFirst))
  }
}

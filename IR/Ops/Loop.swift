extension AttributeKey where Value == [Extent] {
  /// The number of rows that a loop's sequences have: the most steps that it makes.
  public static var steps: Self { Self("steps") }
  /// How many steps a loop makes, where these may be fewer than `steps`; below 0 there is none.
  public static var stepCount: Self { Self("step_count") }
  /// The symbol that stands for a step's number inside a loop's body.
  public static var index: Self { Self("index") }
}

extension AttributeKey where Value == Bool {
  /// Whether a loop returns what its states held before each step.
  public static var history: Self { Self("history") }
}

extension Op {
  /// `loop %h0, %x, %w {steps = [T]} body (state %h: ..., %x: ..., parameter %w: ...) { ... }`: a graph that runs once per step, each time
  /// with the states that the step before left.
  ///
  /// The operands are the arguments of the body, in order. A state begins as its operand; after the last step it is a result. An input of
  /// the body is one row of its operand, whose first dimension is `steps`. A parameter is the whole operand in every step. The results are
  /// the states in order, then a row per step of each value that the body returns, then, with `history`, a row per step of what each state
  /// held before it. `LoopParts` tells them apart.
  ///
  /// With `reverse` the steps go from the last row to the first. `step_count` makes fewer steps than there are rows: the first ones of the
  /// rows, and the rows of the others are 0. `index` names a symbol that is the number of the row inside the body, for the op `extent` and for the
  /// counts of loops inside. No type may mention it.
  ///
  /// The body is differentiated as a graph: the reverse of a loop is a loop that runs the other way and computes each step again from its
  /// history (IR/Derivatives/Differentiation+Loop.swift).
  public static let loop = Op(
    "loop", operands: .variadic("argument of the body", minimum: 1),
    attributes: [
      .required(.steps), .optional(.stepCount), .optional(.index), .optional(.reverse), .optional(.history),
    ],
    results: .yielded, traits: [.hasBody],
    infer: { inference in try inference.loopTypes() },
    evaluate: { evaluation in try evaluation.evaluateLoop() },
    cost: { query in
      let steps = query.attributes.required(.steps)[0]
      let body = query.body!.body.reduce(Cost(flops: 0, bytes: 0)) { $0 + query.body!.op($1).cost(CostQuery(query.body!, $1)) }
      return Cost(flops: steps * body.flops, bytes: query.bytes)
    },
    derivative: .ofLoop)
}

extension Inference {
  fileprivate func loopTypes() throws -> [TensorType] {
    let body = body!
    for key in [AttributeKey<[Extent]>.steps, .stepCount, .index] {
      if let list = attributes[key] { try expect(list.count == 1, "got \(key.name) of \(list.count) extents, expected one") }
    }
    if let index = attributes[.index] { try expect(index[0].symbol != nil, "got index = \(index[0]), expected a symbol") }
    let steps = attributes.required(.steps)[0]
    try expect(!steps.isAlwaysNegative, "got steps = [\(steps)], expected at least 0")
    try expect(
      operands.count == body.arguments.count,
      "got \(operands.count) operands for a body of \(body.arguments.count) arguments, expected one for each")
    let parts = LoopParts(body)
    for (position, operand) in operands.enumerated() {
      let expected = parts.operandType(position, steps: steps)
      try expect(
        operand.element == expected.element && areEqual(operand.shape, expected.shape),
        "got \(operand) for %\(parts.name(position)) of the body, expected \(expected)")
      try expect(
        body.arguments[position].initial == nil, "got a number to begin %\(parts.name(position)) with, expected its operand alone")
    }
    let types = parts.resultTypes(steps: steps, hasHistory: attributes.isSet(.history))
    try expect(!types.isEmpty, "got a body without states and results, expected some")
    return types
  }
}

extension Evaluation {
  fileprivate func evaluateLoop() throws -> [ReferenceArray] {
    guard let body, let run else { throw HeedError("got a loop where nothing runs its body") }
    let steps = try extents(.steps)[0]
    let limit = try attributes[.stepCount].map { try $0[0].evaluate { binding[$0] } }
    let count = Program.Loop.count(end: steps, limit: limit)
    let parts = LoopParts(body)
    let updated = body.updates.map { update in parts.states.first { parts.argument($0) == update.state }! }
    var current = operands
    var found = parts.results(zip(resultTypes, resultShapes).map { ReferenceArray($0.element, $1) })
    for step in attributes.isSet(.reverse) ? Array((0..<count).reversed()) : Array(0..<count) {
      for number in found.history.indices { found.history[number].setRow(step, current[parts.states[number]]) }
      var arguments = current
      for input in parts.inputs { arguments[input] = operands[input].row(step) }
      var binding = binding
      if let index = attributes[.index]?[0].symbol { binding[index] = step }
      let results = try run(body, arguments, binding)
      for number in found.rows.indices { found.rows[number].setRow(step, results[number]) }
      for (state, new) in zip(updated, results.dropFirst(parts.returned.count)) { current[state] = new }
    }
    found.states = parts.states.map { current[$0] }
    return found.all
  }
}

extension ReferenceArray {
  /// The elements whose first index is `number`.
  fileprivate func row(_ number: Int) -> ReferenceArray {
    var row = ReferenceArray(element, Array(shape.dropFirst()))
    let range = number * row.count..<(number + 1) * row.count
    if element.isFloat { row.reals = Array(reals[range]) } else { row.integers = Array(integers[range]) }
    return row
  }

  /// Replaces the elements whose first index is `number`.
  fileprivate mutating func setRow(_ number: Int, _ row: ReferenceArray) {
    let range = number * row.count..<(number + 1) * row.count
    if element.isFloat {
      reals.replaceSubrange(range, with: row.reals)
    } else {
      integers.replaceSubrange(range, with: row.integers)
    }
  }
}

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
  /// held before it.
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
    for (operand, argument) in zip(operands, body.arguments) {
      let type = body.type(argument.value)
      let expected = argument.role == .input ? TensorType(type.element, Shape([steps] + type.shape.extents)) : type
      try expect(
        operand.element == expected.element && areEqual(operand.shape, expected.shape),
        "got \(operand) for %\(body.name(argument.value)) of the body, expected \(expected)")
      try expect(argument.initial == nil, "got a number to begin %\(body.name(argument.value)) with, expected its operand alone")
    }
    let states = body.arguments.filter { $0.role == .state }.map { body.type($0.value) }
    let returned = body.results.prefix(body.returnedCount).map(body.type)
    func rows(_ types: [TensorType]) -> [TensorType] { types.map { TensorType($0.element, Shape([steps] + $0.shape.extents)) } }
    let types = states + rows(returned) + (attributes.isSet(.history) ? rows(states) : [])
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
    let roles = body.arguments.map(\.role)
    var current = operands
    var rows = resultShapes.indices.map { ReferenceArray(resultTypes[$0].element, resultShapes[$0]) }
    let states = roles.indices.filter { roles[$0] == .state }
    let returned = body.returnedCount
    let updates = Dictionary(uniqueKeysWithValues: body.updates.enumerated().map { ($1.state, returned + $0) })
    for step in attributes.isSet(.reverse) ? Array((0..<count).reversed()) : Array(0..<count) {
      if attributes.isSet(.history) {
        for (number, state) in states.enumerated() { rows[states.count + returned + number].setRow(step, current[state]) }
      }
      let arguments = zip(roles, current).map { role, array in role == .input ? array.row(step) : array }
      var binding = binding
      if let index = attributes[.index]?[0].symbol { binding[index] = step }
      let results = try run(body, arguments, binding)
      for number in 0..<returned { rows[states.count + number].setRow(step, results[number]) }
      for state in states { if let new = updates[body.arguments[state].value] { current[state] = results[new] } }
    }
    for (number, state) in states.enumerated() { rows[number] = current[state] }
    return rows
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

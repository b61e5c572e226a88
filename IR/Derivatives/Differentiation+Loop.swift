extension Derivative {
  /// The derivative of a loop is a loop over the same rows, whose body is the body's derivative. It reads what the states held before each
  /// step, so that the steps can be computed again. In reverse it goes the other way: its states are the cotangents of the loop's states, and
  /// sums of the cotangents of what every step reads.
  static let ofLoop = Derivative(
    forward: { context, tangents in try context.tangentsOfLoop(tangents) },
    reverse: { context, cotangents in try context.cotangentsOfLoop(cotangents) },
    residuals: { _, _ in [Attribute(.history, true)] })
}

/// A loop's results, and what its body makes of its arguments.
struct LoopParts {
  let body: Graph
  /// The positions of the states among the arguments.
  let states: [Int]
  /// The number of values that the body returns besides the states.
  let returnedCount: Int

  init(_ body: Graph) {
    self.body = body
    states = body.arguments.indices.filter { body.arguments[$0].role == .state }
    returnedCount = body.returnedCount
  }

  /// What replaces the state of this number: the state itself where nothing does.
  func update(_ state: Int) -> ValueID {
    let value = body.arguments[states[state]].value
    return body.updates.first { $0.state == value }?.value ?? value
  }

  func isFloat(_ position: Int) -> Bool { type(position).element.isFloat }
  func type(_ position: Int) -> TensorType { body.type(body.arguments[position].value) }
}

/// The body of a loop's derivative while it is built: the loop's body, with its states as inputs, and a request.
private struct DerivativeBody {
  let parts: LoopParts
  var rewriter: GraphRewriter
  /// The operands of the loop that runs the body, for the arguments that were added.
  private(set) var operands: [ValueID] = []

  init(_ parts: LoopParts) {
    self.parts = parts
    var body = parts.body
    for state in parts.states { body.setRole(ofArgument: state, .input) }
    rewriter = GraphRewriter(body)
  }

  /// Adds an argument for `operand`; before any node.
  mutating func argument(_ kind: String, _ name: Name, _ type: TensorType, _ role: Argument.Role, _ operand: ValueID) -> ValueID {
    operands.append(operand)
    return rewriter.result.addArgument(rewriter.result.freeName(kind, of: name.text), type, role: role)
  }

  mutating func copyNodes() { for node in parts.body.body { rewriter.copy(node) } }

  func argument(_ position: Int) -> ValueID { rewriter(parts.body.arguments[position].value) }

  /// The finished body, with its requests expanded.
  mutating func finish(
    rows: [(name: Name, value: ValueID)], updates: [(state: ValueID, value: ValueID)],
    remark: (Remark.Kind, ValueID, Graph, String) -> Void
  ) throws -> Graph {
    var graph = rewriter.finish()
    graph.setResults(
      rows.map(\.value) + updates.map(\.value), names: rows.map(\.name) + updates.map { graph.name($0.state) })
    return try graph.expandingDerivatives(remark: remark)
  }
}

extension Differentiation {
  /// The operands of a loop that reads the history of this one, for the arguments of its body.
  private func replayedOperands(_ parts: LoopParts) -> [ValueID] {
    var operands = operands
    for (number, state) in parts.states.enumerated() {
      operands[state] = results[parts.states.count + parts.returnedCount + number]
    }
    return operands
  }

  /// The attributes of the derivative's loop. It has a history, so that it can be differentiated again.
  private func attributes(isReversed: Bool) -> [Attribute] {
    attributes.all.filter { ![AttributeKey.reverse.name, AttributeKey.history.name].contains($0.key) }
      + (isReversed ? [Attribute(.reverse, true)] : []) + [Attribute(.history, true)]
  }

  /// Passes on what was said about the body.
  private mutating func remarks(_ found: [(kind: Remark.Kind, message: String)]) {
    for note in found { remark(note.kind, "a step of the loop: \(note.message)") }
  }

  fileprivate mutating func cotangentsOfLoop(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    let parts = LoopParts(body!)
    let (stateCount, rowCount) = (parts.states.count, parts.returnedCount)
    var derivative = DerivativeBody(parts)
    let source = parts.body
    func name(_ position: Int) -> Name { source.name(source.arguments[position].value) }
    let floatStates = parts.states.indices.filter { parts.isFloat(parts.states[$0]) }
    let wantedInputs = source.arguments.indices.filter {
      source.arguments[$0].role == .input && isWanted($0) && parts.isFloat($0)
    }
    let wantedParameters = source.arguments.indices.filter {
      source.arguments[$0].role == .parameter && isWanted($0) && parts.isFloat($0)
    }
    // The cotangents of the states, the sums, and the rows of the cotangents of what the loop returns.
    var seeds: [ValueID] = []
    for state in floatStates {
      let type = parts.type(parts.states[state])
      let operand = try cotangents[state] ?? zeros(type)
      seeds.append(derivative.argument("cotangent", name(parts.states[state]), type, .state, operand))
    }
    let cotangentStates = seeds
    var sums: [ValueID] = []
    for parameter in wantedParameters {
      let type = TensorType(parts.type(parameter).element.computed, parts.type(parameter).shape)
      sums.append(derivative.argument("sum", name(parameter), type, .state, try zeros(type)))
    }
    var returned: [ValueID] = []
    for row in 0..<rowCount {
      guard let cotangent = cotangents[stateCount + row] else { continue }
      returned.append(source.results[row])
      seeds.append(derivative.argument("cotangent", source.resultNames[row], source.type(source.results[row]), .input, cotangent))
    }
    var kept: [Int] = []
    for state in parts.states.indices {
      guard case let position = stateCount + rowCount + state, position < cotangents.count, let cotangent = cotangents[position]
      else {
        continue
      }
      kept.append(parts.states[state])
      seeds.append(
        derivative.argument("cotangent.before", name(parts.states[state]), parts.type(parts.states[state]), .input, cotangent))
    }
    derivative.copyNodes()
    let outputs =
      floatStates.map { derivative.rewriter(parts.update($0)) } + returned.map { derivative.rewriter($0) }
      + kept.map(derivative.argument)
    let variables = floatStates.map { parts.states[$0] } + wantedInputs + wantedParameters
    guard !outputs.isEmpty, !variables.isEmpty else { return operands.map { _ in nil } }
    let request = try derivative.rewriter.result.append(
      .vjp, outputs + seeds + variables.map(derivative.argument), attributes: [Attribute(.outputs, outputs.count)])
    let found = derivative.rewriter.result.results(request)
    var updates = zip(cotangentStates, found).map { (state: $0, value: $1) }
    for (sum, cotangent) in zip(sums, found.suffix(wantedParameters.count)) {
      let element = derivative.rewriter.result.type(sum).element
      let term =
        derivative.rewriter.result.type(cotangent).element == element
        ? cotangent
        : try derivative.rewriter.append(
          .convert, [cotangent], stated: TensorType(element, derivative.rewriter.result.type(cotangent).shape))
      updates.append((sum, try derivative.rewriter.append(.add, [sum, term])))
    }
    let rows = zip(wantedInputs, found.dropFirst(floatStates.count)).map { (name: Name("gradient.\(name($0))"), value: $1) }
    var notes: [(kind: Remark.Kind, message: String)] = []
    let body = try derivative.finish(rows: rows, updates: updates) { kind, _, _, message in notes.append((kind, message)) }
    remarks(notes)
    let loop = try rewriter.result.append(
      .loop, replayedOperands(parts) + derivative.operands,
      attributes: attributes(isReversed: !attributes.isSet(.reverse)), body: body)
    let values = rewriter.result.results(loop)
    var result = [ValueID?](repeating: nil, count: operands.count)
    for (number, state) in floatStates.enumerated() { result[parts.states[state]] = values[number] }
    for (number, parameter) in wantedParameters.enumerated() {
      let sum = values[floatStates.count + number]
      let type = parts.type(parameter)
      result[parameter] = self.type(sum).element == type.element ? sum : try emit(.convert, sum, stated: type)
    }
    for (number, input) in wantedInputs.enumerated() {
      result[input] = values[floatStates.count + wantedParameters.count + number]
    }
    return result
  }

  fileprivate mutating func tangentsOfLoop(_ tangents: [ValueID?]) throws -> [ValueID?] {
    let parts = LoopParts(body!)
    let source = parts.body
    var derivative = DerivativeBody(parts)
    func name(_ position: Int) -> Name { source.name(source.arguments[position].value) }
    let floatStates = parts.states.indices.filter { parts.isFloat(parts.states[$0]) }
    var (variables, directions): ([Int], [ValueID]) = ([], [])
    for state in floatStates {
      let position = parts.states[state]
      variables.append(position)
      directions.append(
        derivative.argument(
          "tangent", name(position), parts.type(position), .state, try tangents[position] ?? zeros(parts.type(position))))
    }
    for (position, argument) in source.arguments.enumerated() where argument.role != .state {
      guard let tangent = tangents[position] else { continue }
      variables.append(position)
      directions.append(derivative.argument("tangent", name(position), parts.type(position), argument.role, tangent))
    }
    let floatRows = (0..<parts.returnedCount).filter { source.type(source.results[$0]).element.isFloat }
    derivative.copyNodes()
    let outputs =
      floatStates.map { derivative.rewriter(parts.update($0)) } + floatRows.map { derivative.rewriter(source.results[$0]) }
    guard !outputs.isEmpty, !variables.isEmpty else { return results.map { _ in nil } }
    let request = try derivative.rewriter.result.append(
      .jvp, outputs + variables.map(derivative.argument) + directions, attributes: [Attribute(.outputs, outputs.count)])
    let found = derivative.rewriter.result.results(request)
    let updates = zip(directions, found).prefix(floatStates.count).map { (state: $0, value: $1) }
    let rows = zip(floatRows, found.dropFirst(floatStates.count)).map {
      (name: Name("derivative.\(source.resultNames[$0])"), value: $1)
    }
    var notes: [(kind: Remark.Kind, message: String)] = []
    let body = try derivative.finish(rows: rows, updates: updates) { kind, _, _, message in notes.append((kind, message)) }
    remarks(notes)
    let loop = try rewriter.result.append(
      .loop, replayedOperands(parts) + derivative.operands,
      attributes: attributes(isReversed: attributes.isSet(.reverse)), body: body)
    let values = rewriter.result.results(loop)
    var result = [ValueID?](repeating: nil, count: results.count)
    for (number, state) in floatStates.enumerated() {
      result[state] = values[number]
      result[parts.states.count + parts.returnedCount + state] = values[floatStates.count + floatRows.count + number]
    }
    for (number, row) in floatRows.enumerated() { result[parts.states.count + row] = values[floatStates.count + number] }
    return result
  }
}

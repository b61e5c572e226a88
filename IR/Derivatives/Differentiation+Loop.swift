extension Derivative {
  /// The derivative of a loop is a loop over the same rows, whose body is the body's derivative. It reads what the states held before each
  /// step, so that the steps can be computed again. In reverse it goes the other way: its states are the cotangents of the loop's states, and
  /// sums of the cotangents of what every step reads.
  static let ofLoop = Derivative(
    forward: { context, tangents in try context.tangentsOfLoop(tangents) },
    reverse: { context, cotangents in try context.cotangentsOfLoop(cotangents) },
    residuals: { _, _ in [Attribute(.history, true)] })
}

extension Differentiation {
  /// The cotangents of the operands. Those of states and parameters are the last states of the loop in reverse, those of inputs are its rows.
  fileprivate mutating func cotangentsOfLoop(_ cotangents: [ValueID?]) throws -> [ValueID?] {
    let parts = LoopParts(body!)
    let given = parts.results(cotangents)
    let wanted = operands.indices.filter { isWanted($0) && parts.isFloat($0) }
    let (inputs, parameters) = (parts.inputs.filter(wanted.contains), parts.parameters.filter(wanted.contains))
    var loop = derivativeLoop(parts)

    // Its states: the cotangents of the loop's states, which begin with those after the last step, and sums of the parameters' cotangents.
    var states: [(position: Int, cotangent: ValueID)] = []
    for (position, cotangent) in zip(parts.states, given.states) where parts.isFloat(position) {
      let last = try cotangent ?? zeros(parts.type(position))
      states.append((position, loop.addArgument("cotangent", of: position, .state, last)))
    }
    var sums: [(position: Int, sum: ValueID)] = []
    for position in parameters {
      let type = TensorType(parts.type(position).element.computed, parts.type(position).shape)
      sums.append((position, loop.addArgument("sum", of: parts.name(position), type, .state, try zeros(type))))
    }
    // A step goes back from the cotangents of the states after it, of its rows, and of the states before it.
    let seeds = states.map { (value: parts.update($0.position), cotangent: $0.cotangent) } + loop.addSeeds(given)
    let variables = states.map(\.position) + inputs + parameters
    guard !seeds.isEmpty, !variables.isEmpty else { return operands.map { _ in nil } }
    let found = try loop.cotangents(ofArguments: variables, from: seeds)

    // What a step leaves.
    for state in states { loop.update(state.cotangent, with: found[state.position]!) }
    for (position, sum) in sums { try loop.add(found[position]!, to: sum) }
    for position in inputs { loop.addRow("gradient.\(parts.name(position))", found[position]!) }

    let results = try append(loop, isReversed: !attributes.isSet(.reverse))
    var gradients = [ValueID?](repeating: nil, count: operands.count)
    for (position, value) in zip(states.map(\.position) + parameters, results.states) {
      gradients[position] = try widened(value, to: parts.type(position).element)
    }
    for (position, rows) in zip(inputs, results.rows) { gradients[position] = rows }
    return gradients
  }

  /// The tangents of the results, which are the results of the loop of tangents.
  fileprivate mutating func tangentsOfLoop(_ tangents: [ValueID?]) throws -> [ValueID?] {
    let parts = LoopParts(body!)
    let states = parts.states.filter(parts.isFloat)
    let rows = parts.returned.indices.filter { parts.body.type(parts.returned[$0]).element.isFloat }
    var loop = derivativeLoop(parts)

    // Its states: the tangents of the loop's states. Its inputs and parameters: the tangents of the loop's.
    var directions: [(position: Int, tangent: ValueID)] = []
    for position in states {
      let first = try tangents[position] ?? zeros(parts.type(position))
      directions.append((position, loop.addArgument("tangent", of: position, .state, first)))
    }
    for (position, argument) in parts.body.arguments.enumerated() where argument.role != .state {
      guard let tangent = tangents[position] else { continue }
      directions.append((position, loop.addArgument("tangent", of: position, argument.role, tangent)))
    }
    let values = states.map(parts.update) + rows.map { parts.returned[$0] }
    guard !values.isEmpty, !directions.isEmpty else { return results.map { _ in nil } }
    let found = try loop.tangents(of: values, along: directions)

    // What a step leaves.
    for (state, tangent) in zip(directions.prefix(states.count), found) { loop.update(state.tangent, with: tangent) }
    for (row, tangent) in zip(rows, found.dropFirst(states.count)) {
      loop.addRow("derivative.\(parts.body.resultNames[row])", tangent)
    }

    let new = try append(loop, isReversed: attributes.isSet(.reverse))
    let isFloatState = parts.states.map(parts.isFloat)
    return LoopResults(
      states: new.states.spread(over: isFloatState), rows: new.rows.spread(over: parts.returned.indices.map(rows.contains)),
      history: new.history.spread(over: isFloatState)
    ).all
  }

  /// A loop that computes this one's steps again.
  private func derivativeLoop(_ parts: LoopParts) -> DerivativeLoop {
    DerivativeLoop(parts, operands: operands, history: parts.results(results).history)
  }

  /// Appends a finished loop, and passes on what was said about its body. It has a history, so that it can be differentiated again.
  private mutating func append(_ loop: DerivativeLoop, isReversed: Bool) throws -> LoopResults<ValueID> {
    let body = try loop.body { kind, _, _, message in remark(kind, "a step of the loop: \(message)") }
    let kept = attributes.all.filter { ![AttributeKey.reverse.name, AttributeKey.history.name].contains($0.key) }
    let added = (isReversed ? [Attribute(.reverse, true)] : []) + [Attribute(.history, true)]
    let node = try rewriter.result.append(.loop, loop.operands, attributes: kept + added, body: body)
    return LoopParts(body).results(rewriter.result.results(node))
  }
}

extension DerivativeLoop {
  /// Adds inputs for the rows of cotangents that are given: of what each step returns, and of what the states held before it.
  /// - Returns: the values of a step, and their cotangents.
  fileprivate mutating func addSeeds(_ given: LoopResults<ValueID?>) -> [(value: ValueID, cotangent: ValueID)] {
    var seeds: [(value: ValueID, cotangent: ValueID)] = []
    for (number, value) in parts.returned.enumerated() {
      guard let rows = given.rows[number] else { continue }
      let (name, type) = (parts.body.resultNames[number], parts.body.type(value))
      seeds.append((value, addArgument("cotangent", of: name, type, .input, rows)))
    }
    for (position, rows) in zip(parts.states, given.history) {
      guard let rows else { continue }
      seeds.append((parts.argument(position), addArgument("cotangent.before", of: position, .input, rows)))
    }
    return seeds
  }
}

extension LoopParts {
  fileprivate func isFloat(_ position: Int) -> Bool { type(position).element.isFloat }
}

extension Array {
  /// The elements in order, one for each place that has one; nil for the others.
  fileprivate func spread(over hasElement: [Bool]) -> [Element?] {
    var rest = self[...]
    return hasElement.map { $0 ? rest.popFirst() : nil }
  }
}

import HeedIR

/// The body of a loop, and the tensors around it that it reads.
struct RecordedBody {
  let body: Graph
  let captured: [Tensor]
}

extension GraphBuilder {
  /// Calls `step` once and makes a graph of its own of what it computes: the body of a loop. Its arguments are the states, a row of each
  /// sequence, and the tensors from outside that it reads, as parameters.
  /// - Parameters:
  ///   - initial: the states before the first step.
  ///   - rowTypes: the types of the sequences' rows.
  /// - Returns: nil after recording a mistake.
  func record(
    _ initial: [Tensor], rowTypes: [TensorType], _ site: CallSite,
    _ step: (_ states: [Tensor], _ inputs: [Tensor]) throws -> (states: [Tensor], outputs: [Tensor])
  ) rethrows -> RecordedBody? {
    let (first, updates) = (graph.nodeCapacity, updateCount)
    let states = initial.map { placeholder($0.type) }
    let inputs = rowTypes.map { placeholder($0) }
    let firstOfBody = graph.nodeCapacity
    let stepped = try step(states, inputs)
    guard areOwn(stepped.states + stepped.outputs, "scan", site), graph.failure == nil else { return nil }
    guard
      expect(
        stepped.states.count == states.count,
        "scan: got \(stepped.states.count) states from the step, expected \(states.count)", site),
      expect(updateCount == updates, "scan: got an update inside a step, expected updates outside", site)
    else { return nil }
    for (new, state) in zip(stepped.states, states) {
      guard
        expect(
          new.element == state.element && areEqual(new.shape, state.shape),
          "scan: got a new state \(new.summary), expected the state's type \(state.type)", site)
      else { return nil }
    }
    var recorder = BodyRecorder(graph, firstOfBody)
    for (number, state) in states.enumerated() { recorder.addArgument(state, "state", number, of: states.count, .state) }
    for (number, input) in inputs.enumerated() { recorder.addArgument(input, "input", number, of: inputs.count, .input) }
    do {
      let body = try recorder.finish(states: states, stepped)
      graph.eraseNodes { $0.index >= first }
      return RecordedBody(body: body, captured: recorder.captured.map { Tensor(self, $0, graph.type($0)) })
    } catch {
      fail((error as? HeedError)?.message ?? "\(error)", site)
      return nil
    }
  }

  /// What stands for an argument of a body while that is recorded.
  private func placeholder(_ type: TensorType) -> Tensor {
    let zero = constant([Literal(0)], TensorType(type.element, .scalar), nil)
    return emit(.broadcast, [zero], [Attribute(.dims, [])], stated: type, nil)
  }

  /// Appends a loop over this many rows and returns its results.
  func emitLoop(
    _ body: Graph, steps: Extent, _ operands: [Tensor], _ attributes: [Attribute], _ site: CallSite
  ) -> LoopResults<Tensor> {
    note(site)
    let (parts, values) = (LoopParts(body), operands.compactMap(\.value))
    var poisoned: LoopResults<Tensor> { parts.results(parts.resultTypes(steps: steps, hasHistory: false).map(poison)) }
    guard graph.failure == nil, values.count == operands.count else { return poisoned }
    do {
      let node = try graph.append(.loop, values, attributes: [Attribute(.steps, [steps])] + attributes, body: body)
      for result in graph.results(node) { graph.setPlace(result, site.location) }
      return parts.results(graph.results(node).map { Tensor(self, $0, graph.type($0)) })
    } catch {
      fail((error as? HeedError)?.message ?? "\(error)", site)
      return poisoned
    }
  }

  // MARK: Symbols

  /// A symbol that the graph does not use: `base`, or `base2` and so on.
  func freeSymbol(_ base: String, besides others: Set<Name> = []) -> Name {
    let taken = graph.allSymbols.union(others)
    return (1...).lazy.map { Name($0 == 1 ? base : "\(base)\($0)") }.first { !taken.contains($0) }!
  }

  /// The square root of an extent, rounded up: a symbol that a fact defines, unless the extent is a constant.
  func squareRoot(of extent: Extent) -> Extent {
    if let constant = extent.constant { return Extent(constant.squareRootRoundedUp) }
    for case .squareRoot(let root, of: extent) in graph.facts { return Extent(symbol: root) }
    let root = freeSymbol(extent.symbol.map { "sqrt_\($0)" } ?? "sqrt")
    graph.addFact(.squareRoot(root, of: extent))
    return Extent(symbol: root)
  }
}

/// Moves nodes of a graph to a body.
private struct BodyRecorder {
  private let source: Graph
  private let first: Int
  private var body = Graph(name: "body")
  private var values: [ValueID: ValueID] = [:]
  /// The values from outside that the body reads, in order.
  private(set) var captured: [ValueID] = []
  /// Their types and names are those of arguments, which come before nodes: nodes wait until all are known.
  private var names: Set<Name> = []

  init(_ source: Graph, _ first: Int) {
    (self.source, self.first) = (source, first)
    for fact in source.facts { body.addFact(fact) }
  }

  mutating func addArgument(_ tensor: Tensor, _ base: String, _ number: Int, of count: Int, _ role: Argument.Role) {
    add(tensor.value!, Name(count == 1 ? base : "\(base)\(number)"), role)
  }

  private mutating func add(_ value: ValueID, _ name: Name, _ role: Argument.Role) {
    var name = name
    while !names.insert(name).inserted { name = Name("\(name).outer") }
    values[value] = body.addArgument(name, source.type(value), role: role)
  }

  private var nodes: [NodeID] { source.body.filter { $0.index >= first } }

  /// Whether the value is cheaper to make again than to pass on.
  private func isSource(_ value: ValueID) -> Bool {
    source.definingNode(value).map { source.operands($0).isEmpty } ?? false
  }

  private mutating func capture(_ value: ValueID) throws {
    let node = source.definingNode(value)
    guard values[value] == nil, node.map({ $0.index < first }) ?? true else { return }
    if let node, isSource(value) { return try copy(node) }
    captured.append(value)
    let name = source.name(value)
    add(value, name.isNone ? "captured\(captured.count)" : name, .parameter)
  }

  private mutating func copy(_ node: NodeID) throws {
    let results = source.results(node)
    let new = try body.append(
      source.op(node), source.operands(node).map { values[$0]! }, attributes: source.attributes(node).all,
      regions: Array(source.regions(node)), body: source.bodyGraph(node), stated: results.map(source.type),
      names: results.map(source.name))
    for (old, value) in zip(results, body.results(new)) {
      values[old] = value
      if let place = source.place(old) { body.setPlace(value, place) }
    }
  }

  mutating func finish(states: [Tensor], _ stepped: (states: [Tensor], outputs: [Tensor])) throws -> Graph {
    let results = (stepped.outputs + stepped.states).map { $0.value! }
    let read = nodes.flatMap { source.operands($0) } + results
    // Arguments first.
    for value in read where !isSource(value) { try capture(value) }
    for value in read where isSource(value) { try capture(value) }
    for node in nodes { try copy(node) }
    let stateNames = states.map { body.name(values[$0.value!]!) }
    var taken = names
    let outputNames = stepped.outputs.enumerated().map { number, output in
      let name = source.name(output.value!)
      let isFree = !name.isNone && taken.insert(name).inserted
      return isFree ? name : Name(stepped.outputs.count == 1 ? "output" : "output\(number)")
    }
    body.setResults(results.map { values[$0]! }, names: outputNames + stateNames)
    return body
  }
}

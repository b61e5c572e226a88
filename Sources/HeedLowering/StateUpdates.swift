import HeedIR

/// How the states of a graph are replaced: the order of its nodes, and which updates are computed where the state lies.
///
/// An update is computed in place where everything else that reads the state runs before. Nodes are moved behind such readers where no
/// path leads from the one to the other. The node itself may read the state where it reads each element before it writes it: elementwise
/// ops do, so does the epilogue of a product, and `scatter` writes only what it replaces. Other updates are computed elsewhere and copied
/// when all is done.
struct StateUpdates {
  /// The nodes in the order in which they run.
  private(set) var order: [NodeID]
  /// The states by the update that is computed in place.
  private(set) var inPlace: [ValueID: ValueID] = [:]

  private let graph: Graph
  private let users: [[NodeID]]
  /// The nodes that must run before a node, though it reads nothing of theirs.
  private var earlier: [NodeID: Set<NodeID>] = [:]

  /// - Parameter readElsewhere: the nodes whose values are read out of what they are made of.
  init(_ graph: Graph, users: [[NodeID]], readElsewhere: Set<NodeID>) {
    (self.graph, self.users, order) = (graph, users, graph.body)
    let updates = graph.updates
    guard !updates.isEmpty else { return }
    let positions = Dictionary(uniqueKeysWithValues: graph.body.enumerated().map { ($1, $0) })
    for update in updates where updates.count(where: { $0.value == update.value }) == 1 {
      // Extents that are equal by a fact alone are not known to lie alike.
      guard let node = graph.definingNode(update.value), !readElsewhere.contains(node),
        graph.type(update.value) == graph.type(update.state)
      else { continue }
      var readers: Set<NodeID> = []
      guard let aliases = aliases(of: update.state, readElsewhere, &readers), canWrite(node, over: update.state, aliases) else {
        continue
      }
      readers.remove(node)
      guard !depend(readers, on: node) else { continue }
      earlier[node, default: []].formUnion(readers)
      inPlace[update.value] = update.state
    }
    if !earlier.isEmpty { sort(positions) }
  }

  /// The values that lie in a state's memory, and the nodes that read it there; nil where the graph returns one of them.
  private func aliases(of state: ValueID, _ readElsewhere: Set<NodeID>, _ readers: inout Set<NodeID>) -> Set<ValueID>? {
    var (aliases, pending): (Set<ValueID>, [ValueID]) = ([state], [state])
    while let value = pending.popLast() {
      guard !graph.results.contains(value) else { return nil }
      for user in users[Int(value.index)] {
        // A view is read when its users run.
        let isView = graph.op(user).has(.view) || graph.op(user) == .convert || readElsewhere.contains(user)
        readers.insert(user)
        guard isView else { continue }
        for result in graph.results(user) where aliases.insert(result).inserted { pending.append(result) }
      }
    }
    return aliases
  }

  /// Whether the node reads each element of the state, if any, before it writes the one in its place.
  private func canWrite(_ node: NodeID, over state: ValueID, _ aliases: Set<ValueID>) -> Bool {
    let (op, operands) = (graph.op(node), Array(graph.operands(node)))
    let reads = operands.filter(aliases.contains)
    if op.has(.view) { return false }
    if reads.isEmpty { return true }
    guard reads.allSatisfy({ $0 == state }) else { return false }
    if op == .scatter { return operands[0] == state && reads.count == 1 }
    // A product reads what its epilogue takes where it stores.
    if op == .linear { return !aliases.contains(operands[0]) && !aliases.contains(operands[1]) && hasShape(of: node, state) }
    return op.has(.elementwise) || op == .map
  }

  private func hasShape(of node: NodeID, _ state: ValueID) -> Bool {
    graph.type(graph.result(node)).shape == graph.type(state).shape
  }

  /// Whether one of the readers needs what the node computes.
  private func depend(_ readers: Set<NodeID>, on node: NodeID) -> Bool {
    var (seen, pending): (Set<NodeID>, [NodeID]) = ([], Array(readers))
    while let next = pending.popLast() {
      if next == node { return true }
      guard seen.insert(next).inserted else { continue }
      pending += graph.operands(next).compactMap(graph.definingNode)
      pending += earlier[next] ?? []
    }
    return false
  }

  /// Puts each node behind those that must run before it, else in the old order.
  private mutating func sort(_ positions: [NodeID: Int]) {
    var (sorted, emitted): ([NodeID], Set<NodeID>) = ([], [])
    for node in graph.body {
      var pending = [node]
      while let next = pending.last {
        guard !emitted.contains(next) else {
          pending.removeLast()
          continue
        }
        let needed = Set(graph.operands(next).compactMap(graph.definingNode)).union(earlier[next] ?? []).subtracting(emitted)
        if needed.isEmpty {
          pending.removeLast()
          emitted.insert(next)
          sorted.append(next)
        } else {
          pending += needed.sorted { positions[$0]! > positions[$1]! }
        }
      }
    }
    order = sorted
  }
}

extension LoweringContext {
  /// Copies the updates that were not computed in place to where their states lie.
  mutating func storeUpdates() throws {
    // What an op does not write, such as a constant, is not in place whatever was planned.
    let updates = graph.updates.filter { source($0.value) != source($0.state) }
    // What lies in the memory of a state is saved before that is written.
    var sources = updates.map { source($0.value) }
    for (position, update) in updates.enumerated() {
      guard case .view(let view) = sources[position], frame.stateBuffers.contains(view.buffer) else { continue }
      let type = graph.type(update.value)
      let saved = Self.rowMajor(addBuffer(.none, type, .slot(0)), type)
      try copy(sources[position], to: saved, type)
      sources[position] = .view(saved)
    }
    for (update, source) in zip(updates, sources) {
      guard case .view(let place) = self.source(update.state) else { preconditionFailure("a state without memory") }
      try copy(source, to: place, graph.type(update.state))
      guard !frame.isBody else { continue }
      remark(
        .note, update.state,
        "its update is computed elsewhere and copied: what the state held is read after it, or in another order")
    }
  }

  /// Copies a value of this type.
  mutating func copy(_ source: Source, to place: StridedView, _ type: TensorType) throws {
    try emitElementwise("copy", shape: type.shape.extents, inputs: [(source, type.element)], outputs: [place]) { _, values in values
    }
  }
}

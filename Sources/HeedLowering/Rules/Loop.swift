import HeedIR

extension LoweringRule {
  static let loop = LoweringRule { context, node in try context.lowerLoop(node) }
}

extension LoweringContext {
  /// A loop becomes a loop of the program: its body's calls, with the number of the step as a symbol in the offsets of rows.
  ///
  /// A state lies in one buffer, which each step reads and replaces: in place or by a copy at the step's end, as `StateUpdates` has it for the
  /// states of a graph. A row that the body returns is computed where it lies among the rows. What no step changes is computed once, before.
  fileprivate mutating func lowerLoop(_ node: NodeID) throws {
    let (parts, attributes) = (LoopParts(graph.bodyGraph(node)!), graph.attributes(node))
    let (operands, results) = (graph.operands(node).map { source($0) }, parts.results(graph.results(node)))
    let isPartial = attributes[.stepCount] != nil
    let stateViews = try zip(parts.states, results.states).map { try beginState($1, as: operands[$0]) }
    let rows = try results.rows.map { try allocateRows(of: $0, isPartial: isPartial) }
    let history = try results.history.map { try allocateRows(of: $0, isPartial: isPartial) }

    let index = attributes[.index]?[0].symbol ?? levels.freeIndex()
    openLoop(index, changing: Set((stateViews + (rows + history).compactMap { $0 }).map(\.buffer)))
    var arguments = operands
    for (position, state) in zip(parts.states, stateViews) { arguments[position] = .view(state) }
    for position in parts.inputs { arguments[position] = operands[position].row(index) }
    let outer = enter(parts.body, arguments)
    for (number, rows) in history.enumerated() {
      guard let rows else { continue }
      try copy(.view(stateViews[number]), to: rows.row(index), parts.type(parts.states[number]))
    }
    let places = rows.map { $0?.row(index) }
    for (value, place) in zip(parts.returned, places) {
      guard let place, parts.body.definingNode(value) != nil, states.inPlace[value] == nil else { continue }
      homes[value] = place
    }
    try lowerNodes()
    for (value, place) in zip(parts.returned, places) {
      guard let place else { continue }
      if case .view(let view) = source(value), view.isSameMemory(as: place) { continue }
      try copy(source(value), to: place, parts.body.type(value))
    }
    try storeUpdates()
    leave(to: outer)
    closeLoop(
      Program.Loop(
        steps: 0..<0, symbol: index, end: attributes.required(.steps)[0], limit: attributes[.stepCount]?[0],
        isReversed: attributes.isSet(.reverse)))
  }

  /// The buffer of a state, which is also that of the result `value`, filled with what the state holds before the first step.
  private mutating func beginState(_ value: ValueID, as initial: Source) throws -> StridedView {
    let type = graph.type(value)
    let buffer = addBuffer(graph.name(value), type, uses.isReturned.contains(value) ? .result : .slot(0))
    let view = Self.rowMajor(buffer, type)
    keepAtCall(buffer)
    try copy(initial, to: view, type)
    setSource(value, .view(view))
    return view
  }

  /// The memory of a result that has a row per step; nil where nobody reads it.
  /// - Parameter isPartial: whether there may be rows that no step writes.
  private mutating func allocateRows(of value: ValueID, isPartial: Bool) throws -> StridedView? {
    guard uses.isUsed(value) else { return nil }
    let view = allocateResult(value)
    keepAtCall(view.buffer)
    guard isPartial else { return view }
    let zero = view.element.isFloat ? Literal(0.0) : Literal(0)
    try emitElementwise("fill", shape: view.shape, inputs: [(.literal(zero), view.element)], outputs: [view]) { _, values in values
    }
    return view
  }
}

extension Source {
  /// The elements whose first index is the number that `index` stands for.
  fileprivate func row(_ index: Name) -> Source {
    switch self {
    case .literal, .extent: self
    case .iota(let dimension) where dimension > 0: .iota(dimension: dimension - 1)
    case .iota: .extent(Extent(symbol: index))
    case .view(let view): .view(view.row(index))
    }
  }
}

extension StridedView {
  /// The elements whose first index is the number that `index` stands for.
  fileprivate func row(_ index: Name) -> StridedView {
    var view = self
    view.offset = offset + Extent(symbol: index) * strides[0]
    view.shape.removeFirst()
    view.strides.removeFirst()
    return view
  }
}

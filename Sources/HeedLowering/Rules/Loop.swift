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
    let (body, attributes, results) = (graph.bodyGraph(node)!, graph.attributes(node), graph.results(node))
    let operands = Array(graph.operands(node))
    let states = body.arguments.indices.filter { body.arguments[$0].role == .state }
    let returnedCount = body.returnedCount

    var memory: [Int: StridedView] = [:]
    for (number, state) in states.enumerated() {
      let (type, value) = (body.type(body.arguments[state].value), results[number])
      let isReturned = uses.isReturned.contains(value)
      let view = Self.rowMajor(addBuffer(graph.name(value), type, isReturned ? .result : .slot(0)), type)
      keepAtCall(view.buffer)
      try emitElementwise("copy", shape: type.shape.extents, inputs: [(source(operands[state]), type.element)], outputs: [view]) {
        _, values in values
      }
      setSource(value, .view(view))
      memory[state] = view
    }
    // Nobody sees the rows of a result that is not used.
    var rows: [Int: StridedView] = [:]
    for number in states.count..<results.count where uses.isUsed(results[number]) {
      let view = allocateResult(results[number])
      keepAtCall(view.buffer)
      if attributes[.stepCount] != nil {
        try emitElementwise("fill", shape: view.shape, inputs: [(.literal(zero(view.element)), view.element)], outputs: [view]) {
          _, values in values
        }
      }
      rows[number] = view
    }

    let index = attributes[.index]?[0].symbol ?? levels.freeIndex()
    openLoop(index, changing: Set(memory.values.map(\.buffer) + rows.values.map(\.buffer)))
    let arguments: [Source] = try body.arguments.enumerated().map { position, argument in
      switch argument.role {
      case .state: .view(memory[position]!)
      case .parameter: source(operands[position])
      case .input: try row(of: operands[position], index)
      }
    }
    let outer = enter(body, arguments)
    for (number, state) in states.enumerated() {
      guard let history = rows[states.count + returnedCount + number] else { continue }
      try copy(.view(memory[state]!), to: history.row(index), body.type(body.arguments[state].value))
    }
    for number in 0..<returnedCount {
      guard let row = rows[states.count + number], body.definingNode(body.results[number]) != nil,
        self.states.inPlace[body.results[number]] == nil
      else { continue }
      homes[body.results[number]] = row.row(index)
    }
    try lowerNodes()
    for number in 0..<returnedCount {
      guard let row = rows[states.count + number]?.row(index) else { continue }
      let value = body.results[number]
      if case .view(let view) = source(value), view.isSameMemory(as: row) { continue }
      try copy(source(value), to: row, body.type(value))
    }
    try storeUpdates()
    leave(to: outer)
    closeLoop(
      Program.Loop(
        steps: 0..<0, symbol: index, end: attributes.required(.steps)[0], limit: attributes[.stepCount]?[0],
        isReversed: attributes.isSet(.reverse)))
  }

  private func zero(_ element: ElementType) -> Literal { element.isFloat ? Literal(0.0) : Literal(0) }

  /// The row of a value whose number is `index`.
  private mutating func row(of value: ValueID, _ index: Name) throws -> Source {
    switch source(value) {
    case .literal, .extent: source(value)
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

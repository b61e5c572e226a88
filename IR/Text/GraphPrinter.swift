extension Graph: CustomStringConvertible {
  /// The graph as text that parses to the same graph. Scalar constants without a name are written where they are used.
  public var text: String { GraphPrinter(self).text() }

  /// The line of a node, as `text` has it: `%y = add %x, 1.0 : f32[S]`.
  public func text(of node: NodeID) -> String { GraphPrinter(self).line(node) }

  /// The same as `text`.
  public var description: String { text }
}

/// Writes a graph as text.
struct GraphPrinter {
  private let graph: Graph
  /// By value: the name with its `%`, or the number of a constant that is written where it is used.
  private var names: [String]
  private let inlined: [Bool]

  init(_ graph: Graph) {
    self.graph = graph
    inlined = Self.inlinedConstants(of: graph)
    names = Array(repeating: "%?", count: graph.valueCapacity)
    var scope = PrintedNames()
    for argument in graph.arguments { names[Int(argument.value.index)] = scope.next(graph.name(argument.value)) }
    for value in graph.body.flatMap(graph.results) {
      names[Int(value.index)] = inlined[Int(value.index)] ? Self.literalText(value, of: graph) : scope.next(graph.name(value))
    }
  }

  private func list(_ values: some Sequence<ValueID>) -> String { values.map { names[Int($0.index)] }.joined(separator: ", ") }

  func text() -> String {
    var lines = [header()]
    for node in graph.body where !graph.results(node).contains(where: { inlined[Int($0.index)] }) {
      lines.append("  " + line(node))
    }
    if let failure = graph.failure { lines.append("  // \(failure.headline)") }
    lines += graph.updates.map { "  update \(names[Int($0.state.index)]) = \(names[Int($0.value.index)])" }
    lines.append(graph.returnedCount == 0 && !graph.results.isEmpty ? "  return" : "  return \(results())")
    lines.append("}")
    return lines.joined(separator: "\n")
  }

  /// `%y, %x as %z`: a result's name is written where it is not the one that the value is printed with.
  private func results() -> String {
    (0..<graph.returnedCount).map { position in
      let value = names[Int(graph.results[position].index)]
      let name = "%\(graph.resultNames[position].quotedWhereNeeded)"
      let isNumber = value.dropFirst().allSatisfy(\.isNumber)
      return name == (isNumber ? "%result\(position)" : value) ? value : "\(value) as \(name)"
    }.joined(separator: ", ")
  }

  private func header() -> String {
    let arguments = graph.arguments.map { argument in
      let type = graph.type(argument.value)
      let initial = argument.initial.map { " = \(($0.converted(to: type.element) ?? $0).text(as: type.element))" } ?? ""
      return "\(argument.role.keyword)\(names[Int(argument.value.index)]): \(type)\(initial)"
    }
    let facts = graph.facts.isEmpty ? "" : " facts (\(graph.facts.map(\.description).joined(separator: ", ")))"
    let name = "graph @\(graph.name.quotedWhereNeeded)"
    let line = "\(name)(\(arguments.joined(separator: ", ")))\(facts) {"
    if line.count <= 132 { return line }
    return "\(name)(\n    \(arguments.joined(separator: ",\n    "))\n)\(facts) {"
  }

  func line(_ node: NodeID) -> String {
    let op = graph.op(node)
    let results = graph.results(node)
    let operands = graph.operands(node)
    var line = "\(list(results)) = \(op.mnemonic)"
    if !operands.isEmpty { line += " \(list(operands))" }
    let tables = operands.dropFirst(op.operands.minimum).map { names[Int($0.index)] }
    for (keyword, region) in zip(op.regionKeywords, graph.regions(node)) {
      line += (keyword.isEmpty ? " " : " \(keyword) ") + region.text(tables: tables, indent: 2)
    }
    let attributes = graph.attributes(node)
    if !attributes.all.isEmpty {
      line += " " + attributes.text(element: op.has(.typedByResult) ? graph.type(results[0]).element : nil)
    }
    return line + " : " + results.map { graph.type($0).description }.joined(separator: ", ")
  }

  // MARK: Constants written in place

  private static func literalText(_ value: ValueID, of graph: Graph) -> String {
    let element = graph.type(value).element
    return graph.scalarConstant(value)!.text(as: element)
  }

  /// By value: true for the constants that are written where they are used.
  private static func inlinedConstants(of graph: Graph) -> [Bool] {
    let uses = graph.useCounts()
    var inlined = [Bool](repeating: false, count: graph.valueCapacity)
    for node in graph.body where graph.op(node) == .constant {
      let value = graph.result(node)
      inlined[Int(value.index)] = graph.name(value).isNone && uses[Int(value.index)] > 0 && graph.scalarConstant(value) != nil
    }
    for result in graph.results { inlined[Int(result.index)] = false }
    var changed = true
    while changed {
      changed = false
      for node in graph.body {
        let operands = graph.operands(node)
        for (position, operand) in operands.enumerated() where inlined[Int(operand.index)] {
          let types = operands.map { inlined[Int($0.index)] ? nil : graph.type($0).element }
          let element = LiteralOperand.element(
            of: graph.op(node), at: position, operands: types, result: graph.type(graph.results(node)[0]).element,
            regions: Array(graph.regions(node)))
          if element != graph.type(operand).element {
            inlined[Int(operand.index)] = false
            changed = true
          }
        }
      }
    }
    return inlined
  }
}

extension Graph {
  /// The number that `value` is, where a `constant` node of rank 0 defines it, as a value of its element type.
  public func scalarConstant(_ value: ValueID) -> Literal? {
    guard let node = definingNode(value, where: .constant), type(value).rank == 0 else { return nil }
    return attributes(node).required(.constantValue).first?.converted(to: type(value).element)
  }
}

extension Argument.Role {
  /// What stands before the name of an argument.
  fileprivate var keyword: String {
    switch self {
    case .input: ""
    case .parameter: "parameter "
    case .state: "state "
    }
  }
}

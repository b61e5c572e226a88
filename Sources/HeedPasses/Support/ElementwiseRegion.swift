import HeedIR

/// A scalar function made of elementwise nodes: constants and extents of rank 0 are written into it, what the nodes do not compute
/// becomes a parameter.
struct ElementwiseRegion {
  private(set) var function: ScalarFunction
  /// The values that the parameters stand for, in order.
  let operands: [ValueID]

  /// The region of `nodes`, in the graph's order.
  /// - Parameter leading: values that must be the first parameters.
  init(_ graph: Graph, nodes: [NodeID], leading: [ValueID] = [], results: [ValueID]) {
    let computed = Set(nodes.map { graph.result($0) })
    var operands = leading
    for node in nodes {
      for operand in graph.operands(node) where !computed.contains(operand) && !operands.contains(operand) {
        if !Self.isWritten(operand, graph) { operands.append(operand) }
      }
    }
    self.operands = operands
    var names: Set<Name> = []
    let parameters = operands.enumerated().map { position, operand in
      let name = Self.parameterName(operand, graph)
      let isFree = !name.isNone && names.insert(name).inserted
      return ScalarFunction.Parameter(isFree ? name : Name("x\(position)"), graph.type(operand).element)
    }
    var builder = FunctionBuilder(parameters: parameters)
    var values: [ValueID: ScalarValue] = [:]
    for (position, operand) in operands.enumerated() { values[operand] = builder.parameter(position) }
    for node in nodes {
      let (op, result) = (graph.op(node), graph.result(node))
      let arguments = graph.operands(node).map { operand in
        if let known = values[operand] { return known }
        let element = graph.type(operand).element
        if let literal = graph.uniformConstant(operand) { return builder.constant(literal, element) }
        guard let extent = graph.extentValue(operand) else {
          preconditionFailure("an operand that is neither parameter nor number")
        }
        return builder.extent(extent, element)
      }
      let stated = op.has(.typedByResult) ? graph.type(result).element : nil
      values[result] = builder.apply(op, arguments, type: stated, name: graph.name(result))
    }
    function = builder.finish(results.map { values[$0]! })
  }

  private static func isWritten(_ value: ValueID, _ graph: Graph) -> Bool {
    graph.type(value).rank == 0 && (graph.uniformConstant(value) != nil || graph.extentValue(value) != nil)
  }

  /// The last part of the name of an operand, or of what it is a view of: `bias` for a broadcast of `%layer.0.bias`.
  private static func parameterName(_ value: ValueID, _ graph: Graph) -> Name {
    let source = graph.name(value).isNone ? Arrangement(value, in: graph).source : value
    return graph.name(source).text.split(separator: ".").last.map { Name($0) } ?? .none
  }
}

extension ElementwiseRegion {
  /// Names a parameter; another one of that name is renamed.
  mutating func rename(_ position: Int, _ name: Name) {
    for other in function.parameters.indices where other != position && function.parameters[other].name == name {
      function.parameters[other].name = Name("\(name).\(other)")
    }
    function.parameters[position].name = name
  }
}

extension Graph {
  /// The extent that a scalar is equal to, where the op `extent` makes it.
  fileprivate func extentValue(_ value: ValueID) -> Extent? {
    definingNode(value, where: .extent).map { attributes($0).required(.extentValue)[0] }
  }
}

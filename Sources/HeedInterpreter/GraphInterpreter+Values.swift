package import HeedIR

extension GraphInterpreter {
  /// Some values of a graph, from those of its arguments that they are made of.
  ///
  /// - Parameters:
  ///   - inputs: the arguments that are known, by name.
  ///   - binding: the graph's symbols.
  /// - Throws: where a value needs an argument that is not known: the error names it and its type; else as `evaluate` does.
  package static func values(
    _ wanted: [ValueID], of graph: Graph, inputs: [Name: ReferenceArray], binding: [Name: Int]
  ) throws -> [ReferenceArray] {
    var needed = Set(wanted)
    for node in graph.body.reversed() where graph.results(node).contains(where: needed.contains) {
      needed.formUnion(graph.operands(node))
    }
    var values: [ValueID: ReferenceArray] = [:]
    for argument in graph.arguments where needed.contains(argument.value) {
      let (name, type) = (graph.name(argument.value), graph.type(argument.value))
      guard let input = inputs[name] else { throw HeedError("got no input %\(name), expected one of type \(type)") }
      values[argument.value] = input
      values[argument.value]?.round()
    }
    for node in graph.body where graph.results(node).contains(where: needed.contains) {
      let arrays = try evaluate(graph, node, graph.operands(node).map { values[$0]! }, binding)
      for (value, array) in zip(graph.results(node), arrays) { values[value] = array }
    }
    return wanted.map { values[$0]! }
  }
}

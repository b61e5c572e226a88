public import HeedIR

extension Graph {
  /// The graph with some runs of its nodes in blocks `checkpoint`, some of these within others.
  public func withRandomCheckpoints(_ numbers: inout SeededGenerator) throws -> Graph {
    var graph = Graph(name: name)
    var values: [ValueID: ValueID] = [:]
    for fact in facts { graph.addFact(fact) }
    for argument in arguments {
      values[argument.value] = graph.addArgument(
        name(argument.value), type(argument.value), role: argument.role, initial: argument.initial)
    }
    var depth = 0
    for node in body {
      while depth > 0, Int.random(in: 0..<4, using: &numbers) == 0 {
        graph.closeBlock()
        depth -= 1
      }
      while depth < 3, Int.random(in: 0..<3, using: &numbers) == 0 {
        graph.openBlock(.checkpoint)
        depth += 1
      }
      let results = results(node)
      let copy = try graph.append(
        op(node), operands(node).map { values[$0]! }, attributes: attributes(node).all, regions: Array(regions(node)),
        body: bodyGraph(node), stated: results.map(type), names: results.map(name))
      for (old, new) in zip(results, graph.results(copy)) { values[old] = new }
    }
    for _ in 0..<depth { graph.closeBlock() }
    graph.setResults(results.map { values[$0]! }, names: resultNames)
    return graph
  }
}

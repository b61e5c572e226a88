import HeedIR

extension GraphPass {
  /// `eliminate-dead-nodes` takes out what no result of the graph needs.
  ///
  ///     %a = multiply %x, 2.0
  ///     %b = exp %x
  ///     return %a
  /// becomes
  ///     %a = multiply %x, 2.0
  ///     return %a
  ///
  /// Of a loop it takes out rows, histories, states and arguments that nothing needs.
  ///
  /// Legal because ops have no effects. Arguments stay: they are the graph's signature.
  public static let eliminateDeadNodes = GraphPass(
    "eliminate-dead-nodes", summary: "take out what no result needs"
  ) { graph, _ in
    graph.eliminateDeadNodes()
    while let trimmed = graph.trimmingLoops() {
      graph = trimmed
      graph.eliminateDeadNodes()
    }
  }
}

extension Graph {
  /// Takes out the nodes that no result needs, directly or not.
  mutating func eliminateDeadNodes() {
    var isLive = [Bool](repeating: false, count: nodeCapacity)
    for value in results { if let node = definingNode(value) { isLive[Int(node.index)] = true } }
    for node in body.reversed() where isLive[Int(node.index)] {
      for operand in operands(node) { if let producer = definingNode(operand) { isLive[Int(producer.index)] = true } }
    }
    eraseNodes { !isLive[Int($0.index)] }
  }
}

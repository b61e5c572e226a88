public import HeedIR

/// Smaller graphs than one that shows a fault, to find the smallest that still does: what LLVM's bugpoint does for its own IR.
///
/// Each verifies. Values keep their names, and arguments take the place of what is left out, so that types stay what they are.
public enum GraphReduction {
  /// The graphs that are one step smaller, those of the greatest steps first.
  public static func smaller(_ graph: Graph) -> [Graph] {
    var graphs = [withoutDeadNodes(graph)]
    // One result, or what one result is made of.
    if graph.results.count > 1 { graphs += graph.results.map { returning([$0], in: graph) } }
    for node in graph.results.compactMap(graph.definingNode) {
      graphs += graph.operands(node).filter { graph.definingNode($0) != nil }.map { returning([$0], in: graph) }
    }
    // A node's operand in its place, or an argument.
    for node in graph.body.reversed() where graph.op(node) != .constant {
      graphs += Set(graph.operands(node)).sorted { $0.index < $1.index }.compactMap { passingBy(node, $0, in: graph) }
      graphs.append(cut(node, in: graph))
    }
    graphs += withoutArguments(graph)
    return graphs.filter { size($0) < size(graph) && (try? $0.verify()) != nil }
  }

  /// What gets smaller with every step: nodes first, then results, then arguments.
  private static func size(_ graph: Graph) -> Int {
    (graph.body.count * 1000 + graph.results.count) * 1000 + graph.arguments.count
  }

  private static func returning(_ values: [ValueID], in graph: Graph) -> Graph {
    var copy = graph
    copy.setResults(values)
    return withoutDeadNodes(copy)
  }

  /// The graph in which a node's operand stands for its result, where that has the same type.
  private static func passingBy(_ node: NodeID, _ operand: ValueID, in graph: Graph) -> Graph? {
    let results = graph.results(node)
    guard results.count == 1, graph.type(results[0]) == graph.type(operand) else { return nil }
    return rebuilt(graph) { rewriter, current in
      if current == node { rewriter.replace(results[0], with: rewriter(operand)) } else { rewriter.copy(current) }
    }
  }

  /// The graph in which arguments stand for the results of a node.
  private static func cut(_ node: NodeID, in graph: Graph) -> Graph {
    rebuilt(graph) { rewriter, current in
      guard current == node else {
        rewriter.copy(current)
        return
      }
      for (position, result) in graph.results(node).enumerated() {
        rewriter.replace(result, with: rewriter.result.addArgument(Name("cut\(node.index).\(position)"), graph.type(result)))
      }
    }
  }

  /// The graph without all the arguments that nothing reads, or without one of them: the others may be needed to bind symbols.
  private static func withoutArguments(_ graph: Graph) -> [Graph] {
    let uses = graph.useCounts()
    let unused = graph.arguments.indices.filter { uses[Int(graph.arguments[$0].value.index)] == 0 }
    guard !unused.isEmpty else { return [] }
    let all = Set(graph.arguments.indices)
    return ([Set(unused)] + unused.map { [$0] }).map { dropped in
      var rewriter = GraphRewriter(graph, keeping: all.subtracting(dropped))
      for node in graph.body { rewriter.copy(node) }
      return rewriter.finish()
    }
  }

  private static func rebuilt(_ graph: Graph, _ visit: (inout GraphRewriter, NodeID) -> Void) -> Graph {
    var rewriter = GraphRewriter(graph)
    for node in graph.body { visit(&rewriter, node) }
    return withoutDeadNodes(rewriter.finish())
  }

  /// The graph without the nodes that no result needs.
  public static func withoutDeadNodes(_ graph: Graph) -> Graph {
    var needed = Set(graph.results)
    var kept: Set<NodeID> = []
    for node in graph.body.reversed() where graph.results(node).contains(where: needed.contains) {
      kept.insert(node)
      needed.formUnion(graph.operands(node))
    }
    var copy = graph
    copy.eraseNodes { !kept.contains($0) }
    return copy
  }
}

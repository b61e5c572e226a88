import HeedIR

extension GraphPass {
  /// `eliminate-common-subexpressions` keeps one of several nodes that compute the same.
  ///
  ///     %a = exp %x
  ///     %b = exp %x
  ///     %c = add %a, %b
  /// becomes
  ///     %a = exp %x
  ///     %c = add %a, %a
  ///
  /// Legal because ops have no effects, and equal ops on equal operands result in equal bits. Operands of commutative ops are
  /// compared without regard to order. The first node stays, with its name if it has one. A node that is computed again is not the one
  /// that was computed first, and what a checkpoint computes is not kept for others: `Graph.canStand`.
  public static let eliminateCommonSubexpressions = GraphPass(
    "eliminate-common-subexpressions", summary: "keep one of several nodes that compute the same"
  ) { graph, _ in
    var rewriter = GraphRewriter(graph)
    var known: [Expression: [NodeID]] = [:]
    for node in graph.body {
      // Bodies are not compared.
      guard !graph.op(node).has(.hasBody) else {
        rewriter.copy(node)
        continue
      }
      let expression = Expression(graph, node, operands: graph.operands(node).map { rewriter($0) })
      if let earlier = known[expression]?.last(where: { graph.canStand($0, for: node) }) {
        for (old, new) in zip(graph.results(node), graph.results(earlier)) { rewriter.replace(old, with: rewriter(new)) }
      } else {
        rewriter.copy(node)
        known[expression, default: []].append(node)
      }
    }
    graph = rewriter.finish()
  }
}

/// What a node computes, for comparison.
private struct Expression: Hashable {
  let op: Op
  let operands: [ValueID]
  let attributes: [Attribute]
  let regions: [ScalarFunction]
  let types: [TensorType]

  init(_ graph: Graph, _ node: NodeID, operands: [ValueID]) {
    op = graph.op(node)
    self.operands = op.has(.commutative) ? operands.sorted() : operands
    attributes = graph.attributes(node).all
    regions = Array(graph.regions(node))
    types = graph.results(node).map(graph.type)
  }
}

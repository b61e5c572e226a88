import HeedIR

/// A local step: looks at a node and what defines its operands, and gives other values for its results, or nil where it does not
/// fit. It may append nodes; what then has no use is taken out afterwards.
typealias RewriteRule = (inout Graph, NodeID, inout PassContext) throws -> ValueID?

extension Graph {
  /// Applies the first rule that fits to each node with one result, in order, until none fits any more. Nodes without use are
  /// taken out.
  ///
  /// A rule sees operands to which the rules were applied already. Each rule must bring the graph closer to a form in which it
  /// does not fit, so the rounds end; their number is bounded as a guard.
  mutating func rewrite(_ context: inout PassContext, rules: [RewriteRule]) throws {
    for _ in 0..<64 {
      var rewriter = GraphRewriter(self)
      var changed = false
      for node in body {
        let copy = rewriter.copy(node)
        let results = results(node)
        guard results.count == 1 else { continue }
        for rule in rules {
          guard let replacement = try rule(&rewriter.result, copy, &context) else { continue }
          rewriter.replace(results[0], with: replacement)
          changed = true
          break
        }
      }
      self = rewriter.finish()
      eliminateDeadNodes()
      if !changed { return }
    }
  }
}

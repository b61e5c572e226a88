import HeedIR

/// What a rule may know and change: the graph being built and what else the pass keeps.
struct RewriteState {
  /// The graph being built; a rule may append to it. What then has no use is taken out afterwards.
  var graph: Graph
  var context: PassContext
  /// How often each value is used in the graph that is being rewritten, under the values that stand for its own.
  fileprivate(set) var uses: [ValueID: Int] = [:]

  /// Whether `value` is used more than once, or was made by a rule, so that its uses are not known.
  func hasOtherUses(_ value: ValueID) -> Bool { uses[value] != 1 }
}

/// A local step: examines a node and what defines its operands. It returns another value for the node's result, or nil where the
/// rule does not apply.
typealias RewriteRule = (inout RewriteState, NodeID) throws -> ValueID?

extension Graph {
  /// Applies the first rule that fits to each node with one result, in order, until none fits any more. Nodes without use are
  /// taken out.
  ///
  /// A rule sees operands to which the rules were applied already. Each rule must bring the graph closer to a form in which it
  /// does not fit, so the rounds end; their number is bounded as a guard.
  mutating func rewrite(_ context: inout PassContext, rules: [RewriteRule]) throws {
    for _ in 0..<64 {
      var rewriter = GraphRewriter(self)
      var state = RewriteState(graph: rewriter.result, context: context)
      let counts = useCounts()
      var changed = false
      for argument in arguments { state.uses[rewriter(argument.value)] = counts[Int(argument.value.index)] }
      for node in body {
        let copy = rewriter.copy(node)
        for (old, new) in zip(results(node), rewriter.result.results(copy)) { state.uses[new] = counts[Int(old.index)] }
        guard results(node).count == 1 else { continue }
        swap(&state.graph, &rewriter.result)
        defer { swap(&state.graph, &rewriter.result) }
        var replacement: ValueID?
        for rule in rules where replacement == nil { replacement = try rule(&state, copy) }
        guard let replacement, replacement != state.graph.result(copy) else { continue }
        swap(&state.graph, &rewriter.result)
        rewriter.replace(result(node), with: replacement)
        swap(&state.graph, &rewriter.result)
        state.uses[replacement, default: 0] += counts[Int(result(node).index)]
        changed = true
      }
      context = state.context
      self = rewriter.finish()
      eliminateDeadNodes()
      if !changed { return }
    }
  }
}

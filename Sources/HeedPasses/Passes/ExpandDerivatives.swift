import HeedIR

extension GraphPass {
  /// `expand-derivatives` replaces requests for derivatives by what computes them.
  ///
  ///     %y = multiply %x, %x : f32[S]
  ///     %dx = vjp %y, %dy, %x {outputs = 1} : f32[S]
  /// becomes
  ///     %y = multiply %x, %x : f32[S]
  ///     %0 = multiply %dy, %x : f32[S]
  ///     %1 = multiply %dy, %x : f32[S]
  ///     %dx = add %0, %1 : f32[S]
  ///
  /// What a block `checkpoint` computes is not read there but computed again, in a block `recompute` before the nodes that read it:
  ///
  ///     checkpoint 0 {
  ///       %a = multiply %x, %x : f32[S]
  ///       %y = exp %a : f32[S]
  ///     }
  ///     %dx = vjp %y, %dy, %x {outputs = 1} : f32[S]
  /// becomes
  ///     checkpoint 0 {
  ///       %a = multiply %x, %x : f32[S]
  ///       %y = exp %a : f32[S]
  ///     }
  ///     recompute 1 {
  ///       %a.1 = multiply %x, %x : f32[S]
  ///       %y.1 = exp %a.1 : f32[S]
  ///     }
  ///     %0 = multiply %dy, %y.1 : f32[S]
  ///     %1 = multiply %0, %x : f32[S]
  ///     %2 = multiply %0, %x : f32[S]
  ///     %dx = add %1, %2 : f32[S]
  ///
  /// Legal by the rules of the ops between, each in the op's file, and because equal ops on equal operands result in equal bits. It comes after the fusion of attention, so that the rule of the fused op
  /// applies and no derivative stores a score matrix.
  public static let expandDerivatives = GraphPass(
    "expand-derivatives", summary: "replace requests for derivatives by what computes them"
  ) { graph, context in
    guard graph.hasDerivatives || graph.body.contains(where: { graph.op($0) == .identity }) else { return }
    graph = try graph.expandingDerivatives { kind, value, expanded, message in
      context.remark(kind, value, in: expanded, message)
    }
    var live = graph
    live.eliminateDeadNodes()
    for nodes in RecomputedNodes.all(in: live) { context.remark(.note, nodes.first, in: live, nodes.description(in: live)) }
  }
}

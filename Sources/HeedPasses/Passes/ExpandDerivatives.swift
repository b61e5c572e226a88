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
  /// Legal by the rules of the ops between, each in the op's file. It comes after the fusion of attention, so that the rule of the fused op
  /// applies and no derivative stores a score matrix.
  public static let expandDerivatives = GraphPass(
    "expand-derivatives", summary: "replace requests for derivatives by what computes them"
  ) { graph, context in
    guard graph.hasDerivatives || graph.body.contains(where: { graph.op($0) == .identity }) else { return }
    graph = try graph.expandingDerivatives { kind, value, expanded, message in
      context.remark(kind, value, in: expanded, message)
    }
  }
}

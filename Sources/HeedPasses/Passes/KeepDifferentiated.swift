import HeedIR

extension GraphPass {
  /// `keep-differentiated` keeps each computed value that something is differentiated with respect to apart from what it is made of.
  ///
  ///     %h = multiply %x, 2.0 : f32[S]
  ///     %y = reduce %h {dims = [0], kind = add} : f32
  ///     %dh = vjp %y, 1.0, %h {outputs = 1} : f32[S]
  /// becomes
  ///     %h = multiply %x, 2.0 : f32[S]
  ///     %0 = identity %h : f32[S]
  ///     %y = reduce %0 {dims = [0], kind = add} : f32
  ///     %dh = vjp %y, 1.0, %0 {outputs = 1} : f32[S]
  ///
  /// Legal because an identity returns its operand. Needed because the passes between this one and `expand-derivatives` may compute %y from
  /// %x alone, after which %y would not depend on %h. Arguments need none: nothing stands for them.
  public static let keepDifferentiated = GraphPass(
    "keep-differentiated", summary: "keep values that something is differentiated with respect to from being fused"
  ) { graph, _ in
    graph = try graph.keepingDifferentiatedValues()
  }
}

import HeedIR

extension GraphBuilder {
  /// Runs `body`. What it computes is not kept for derivatives: these compute it again when they need it.
  ///
  /// ```swift
  /// for layer in layers { x = g.checkpoint { layer(x) } }
  /// let gradients = gradients(of: loss(x), with: g.parameters)
  /// ```
  ///
  /// So a gradient takes the memory of one layer and of what the layers return, and the time of one more forward computation. Of f32 and f64
  /// its bits are the same, unless several checkpoints compute equal values: these stay apart, so gradients are summed in another order.
  /// Tensors that are used outside of `body` are kept where derivatives need them. Checkpoints may be within others: an inner one is computed
  /// again twice. A derivative that is asked for in `body` reads what `body` computes as it is.
  ///
  /// As torch.utils.checkpoint and jax.checkpoint; Chen and others, 2016.
  public func checkpoint<Result>(_ body: () throws -> Result) rethrows -> Result {
    graph.openBlock(.checkpoint)
    defer { graph.closeBlock() }
    return try body()
  }
}

import Heed

/// A block of induced points over a set: a few learned rows attend to the set, and the set to them, so that time is linear in its size.
/// `ISAB(X) = MAB(X, MAB(I, X))`. Lee et al., "Set transformer", 2019.
let setTransformer = Graph("set_transformer") { g in
  let set = g.input("set", .f32, ["N", 32])
  func block(_ name: String, _ x: Tensor, _ y: Tensor) -> Tensor {
    g.scope(name) {
      let attention = MultiHeadAttention("attention", in: g, size: 32, headCount: 4)
      let h = LayerNorm("norm1", in: g, size: 32)(x + attention(x, context: y))
      let mlp = FeedForward("mlp", in: g, size: 32, hiddenSize: 32, activation: .relu)
      return LayerNorm("norm2", in: g, size: 32)(h + mlp(h))
    }
  }
  let induced = block("induce", g.parameter("points", .f32, [4, 32]), set)
  return block("read", set, induced)
}

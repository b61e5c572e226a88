import Heed

/// A few latent rows read an input of any length by cross-attention, and then attend to each other.
/// Jaegle et al., "Perceiver: general perception with iterative attention", 2021.
let perceiver = Graph("perceiver") { g in
  let x = g.input("x", .f32, ["B", "M", 24])
  let latents = g.parameter("latents", .f32, [8, 32])
  func norm(_ name: String, _ rows: Tensor, _ size: Int = 32) -> Tensor { LayerNorm(name, in: g, size: size)(rows) }

  let cross = MultiHeadAttention("cross", in: g, size: 32, headCount: 4, contextSize: 24)
  var z = latents + cross(norm("normLatents", latents), context: norm("normInput", x, 24))
  z += FeedForward("mlp", in: g, size: 32, hiddenSize: 64)(norm("norm1", z))
  z += MultiHeadAttention("self", in: g, size: 32, headCount: 4)(norm("norm2", z))
  return Linear("head", in: g, inputs: 32, outputs: 10)(z.mean(1))
}

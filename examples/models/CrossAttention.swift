import Heed

/// Attention of the rows of `x` to the first rows of another sequence, as many as its length: the rest is padding.
/// Vaswani et al., "Attention is all you need", 2017 (encoder-decoder attention).
let crossAttention = Graph("cross_attention") { g in
  let x = g.input("x", .f32, ["B", "M", 32])
  let memory = g.input("memory", .f32, ["B", "N", 24])
  let lengths = g.input("lengths", .i32, ["B"])
  let attention = MultiHeadAttention("attention", in: g, size: 32, headCount: 4, contextSize: 24)
  return x + attention(LayerNorm("norm", in: g, size: 32)(x), context: memory, mask: .keys(below: lengths))
}

import Heed

/// Attention of each query to the four keys of the highest scores: those at least as high as its fourth.
/// Gupta et al., "Memory-efficient transformers via top-k attention", 2021.
let topKAttention = Graph("top_k_attention") { g in
  let q = g.input("q", .f32, ["B", 2, "M", 8])
  let k = g.input("k", .f32, ["B", 2, "N", 8])
  let v = g.input("v", .f32, ["B", 2, "N", 8])
  let scores = matmul(q, k.transposed()) / 8.0.squareRoot()
  let threshold = scores.topK(4).values[.rest, 3...]
  return matmul(softmax(scores.where(scores >= threshold, else: -.infinity)), v)
}

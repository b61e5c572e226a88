import Heed

/// Attention whose score has the product of the query with an embedding of the distance: `q_i . (k_j + e_(i - j)) / sqrt(d)`.
/// Shaw et al., "Self-attention with relative position representations", 2018; BERT's `relative_key`. Up to 32 rows.
let relativeKeys = Graph("relative_keys") { g in
  let x = g.input("x", .f32, ["S", 32])
  func heads(_ name: String) -> Tensor { Linear(name, in: g, inputs: 32, outputs: 32)(x).splittingHeads(4) }
  let (q, k, v) = (heads("query"), heads("key"), heads("value"))
  let (i, j) = (g.iota(["S", "S"], dimension: 0), g.iota(["S", "S"], dimension: 1))
  let distances = Embedding("distance", in: g, count: 63, size: 8)(i - j + 31)
  let scores = (matmul(q, k.transposed()) + einsum("hid,ijd->hij", q, distances)) / 8.0.squareRoot()
  return matmul(softmax(scores), v).mergingHeads()
}

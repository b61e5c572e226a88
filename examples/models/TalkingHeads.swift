import Heed

/// Attention whose heads are mixed by a matrix before the softmax, and by another behind it: `(P softmax(L q k^T / sqrt(d))) v`.
/// Shazeer et al., "Talking-heads attention", 2020.
let talkingHeads = Graph("talking_heads") { g in
  let x = g.input("x", .f32, ["S", 32])
  func heads(_ name: String) -> Tensor { Linear(name, in: g, inputs: 32, outputs: 32, hasBias: false)(x).splittingHeads(4) }
  let (q, k, v) = (heads("query"), heads("key"), heads("value"))
  let (before, after) = (g.parameter("before", .f32, [4, 4]), g.parameter("after", .f32, [4, 4]))
  let scores = einsum("gh,hij->gij", before, matmul(q, k.transposed()) / 8.0.squareRoot())
  let weights = einsum("gh,hij->gij", after, softmax(scores))
  return Linear("output", in: g, inputs: 32, outputs: 32, hasBias: false)(matmul(weights, v).mergingHeads())
}

import Heed

/// Causal attention with a sigmoid of each score in place of the softmax: `sum over j of sigmoid(q_i . k_j / sqrt(d) - log(S)) v_j`.
/// Ramapuram et al., "Theory, analysis, and best practices for sigmoid self-attention", 2024.
let sigmoidAttention = Graph("sigmoid_attention") { g in
  let q = g.input("q", .f32, ["B", 2, "S", 8])
  let k = g.input("k", .f32, ["B", 2, "S", 8])
  let v = g.input("v", .f32, ["B", 2, "S", 8])
  let scores = matmul(q, k.transposed()) / 8.0.squareRoot()
  let bias = log(g.size("S", as: .f32))
  return matmul(weights(scores, .causal()) { sigmoid($0 - bias) }, v)
}

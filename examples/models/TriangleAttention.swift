import Heed

/// Triangle attention around the starting node: `o_ij = g_ij * sum over k of softmax_k(q_ij . k_ik / sqrt(d) + b_jk) v_ik`.
/// Jumper et al., "Highly accurate protein structure prediction with AlphaFold", 2021, algorithm 13.
let triangleAttention = Graph("triangle_attention") { g in
  let z = LayerNorm("norm", in: g, size: 16)(g.input("pairs", .f32, ["N", "N", 16]))
  func linear(_ name: String, _ outputs: Int, hasBias: Bool = false) -> Tensor {
    Linear(name, in: g, inputs: 16, outputs: outputs, hasBias: hasBias)(z)
  }
  let q = linear("query", 16).splittingHeads(2)
  let k = linear("key", 16).splittingHeads(2)
  let v = linear("value", 16).splittingHeads(2)
  let bias = linear("bias", 2).transposed(2, 0, 1)
  let scores = matmul(q, k.transposed()) / 8.0.squareRoot() + bias
  let gate = sigmoid(linear("gate", 16, hasBias: true))
  return Linear("output", in: g, inputs: 16, outputs: 16)(gate * matmul(softmax(scores), v).mergingHeads())
}

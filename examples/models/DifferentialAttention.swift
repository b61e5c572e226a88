import Heed

/// The difference of two causal attention maps: `(softmax(q1 k1^T / sqrt(d)) - lambda softmax(q2 k2^T / sqrt(d))) v`, normalised by head.
/// Ye et al., "Differential transformer", 2024.
let differentialAttention = Graph("differential_attention") { g in
  let x = g.input("x", .f32, ["S", 32])
  func heads(_ name: String, _ size: Int) -> Tensor {
    Linear(name, in: g, inputs: 32, outputs: 2 * size, hasBias: false)(x).splittingHeads(2)
  }
  func map(_ number: Int) -> Tensor {
    let scores = matmul(heads("query\(number)", 8), heads("key\(number)", 8).transposed()) / 8.0.squareRoot()
    return softmax(scores.where(.causal(), else: -.infinity))
  }
  func factor(_ number: Int) -> Tensor {
    exp((g.parameter("lambdaQuery\(number)", .f32, [8]) * g.parameter("lambdaKey\(number)", .f32, [8])).sum())
  }
  let lambda = factor(1) - factor(2) + 0.2
  let attended = matmul(map(1) - lambda * map(2), heads("value", 16))
  let rows = RMSNorm("norm", in: g, size: 16)(attended) * 0.8
  return Linear("output", in: g, inputs: 32, outputs: 32, hasBias: false)(rows.mergingHeads())
}

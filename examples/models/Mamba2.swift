import Heed

/// A gated state space layer as linear attention with decays: `y_i = sum over j <= i of exp(A (t_(j+1) + ... + t_i)) (C_i . B_j) t_j x_j`,
/// plus `D x_i`. Dao, Gu, "Transformers are SSMs", 2024 (Mamba-2, without its convolution).
let mamba2 = Graph("mamba2") { g in
  let u = g.input("u", .f32, ["S", 16])
  func linear(_ name: String, _ outputs: Int) -> Tensor {
    Linear(name, in: g, inputs: 16, outputs: outputs, hasBias: name == "step")(u)
  }
  let x = linear("x", 16).splittingHeads(2)
  let b = linear("B", 4).splittingHeads(1).repeatingHeads(2)
  let c = linear("C", 4).splittingHeads(1).repeatingHeads(2)
  let step = softplus(linear("step", 2)).transposed()
  let logDecay = -exp(g.parameter("A_log", .f32, [2, 1])) * step
  var y = linearAttention(
    c, b, x * step.expandingDimension(-1), causal: true, normalized: false, logDecay: logDecay)
  y += x * g.parameter("D", .f32, [2, 1, 1])
  let rows = RMSNorm("norm", in: g, size: 16)(y.mergingHeads() * silu(linear("gate", 16)))
  return Linear("output", in: g, inputs: 16, outputs: 16, hasBias: false)(rows)
}

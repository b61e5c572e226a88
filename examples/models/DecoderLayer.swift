import Heed

/// A decoder layer that continues from a cache of keys and values: `h = x + attention(norm(x))`, `y = h + mlp(norm(h))`.
/// Touvron et al., "LLaMA", 2023; heads that share keys: Ainslie et al., "GQA", 2023.
let decoderLayer = Graph("decoder_layer") { g in
  let x = g.input("x", .f32, ["N", 32])
  let oldKeys = g.input("oldKeys", .f32, [2, "P", 8])
  let oldValues = g.input("oldValues", .f32, [2, "P", 8])

  let rows = RMSNorm("norm1", in: g, size: 32)(x)
  func heads(_ name: String, _ count: Int) -> Tensor {
    Linear(name, in: g, inputs: 32, outputs: 8 * count, hasBias: false)(rows).splittingHeads(count)
  }
  let (rotary, positions) = (RotaryEmbedding(size: 8), g.iota(["N"]) + g.size("P"))
  let q = rotary(heads("query", 4), positions: positions)
  let keys = concatenate([oldKeys, rotary(heads("key", 2), positions: positions)], dimension: 1)
  let values = concatenate([oldValues, heads("value", 2)], dimension: 1)

  let scores = matmul(q, keys.repeatingHeads(4).transposed()) / 8.0.squareRoot()
  let weights = softmax(scores.where(.causal(.bottomRight), else: -.infinity))
  let attended = matmul(weights, values.repeatingHeads(4)).mergingHeads()

  let h = x + Linear("output", in: g, inputs: 32, outputs: 32, hasBias: false)(attended)
  let mlp = FeedForward("mlp", in: g, size: 32, hiddenSize: 48, isGated: true, hasBias: false, activation: .silu)
  let y = h + mlp(RMSNorm("norm2", in: g, size: 32)(h))
  return [y.named("y"), keys.named("keys"), values.named("values")]
}

import Heed

/// Causal attention in a window of four, in which each head has a further score to look away to: a sink.
/// OpenAI, "gpt-oss-120b & gpt-oss-20b model card", 2025.
let sinkAttention = Graph("sink_attention") { g in
  let x = g.input("x", .f32, ["S", 32])
  func heads(_ name: String, _ count: Int) -> Tensor {
    Linear(name, in: g, inputs: 32, outputs: 8 * count)(x).splittingHeads(count)
  }
  let rotary = RotaryEmbedding(size: 8)
  let q = rotary(heads("query", 4))
  let k = rotary(heads("key", 2)).repeatingHeads(4)
  let v = heads("value", 2).repeatingHeads(4)
  let scores = matmul(q, k.transposed()) / 8.0.squareRoot()
  let live = scores.where(.causal() & .slidingWindow(before: 3, after: 0), else: -.infinity)
  let weights = softmax(live, sink: g.parameter("sinks", .f32, [4]))
  return Linear("output", in: g, inputs: 32, outputs: 32)(matmul(weights, v).mergingHeads())
}

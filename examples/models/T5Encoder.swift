import Heed

/// Self-attention of T5's encoder: scores are not scaled, and have a learned bias per head and bucket of relative positions.
/// Raffel et al., "Exploring the limits of transfer learning", 2020.
let t5Encoder = Graph("t5_encoder") { g in
  let x = g.input("x", .f32, ["B", "S", 32])
  let lengths = g.input("lengths", .i32, ["B"])
  let rows = RMSNorm("norm", in: g, size: 32, epsilon: 1e-6)(x)
  func heads(_ name: String) -> Tensor { Linear(name, in: g, inputs: 32, outputs: 32, hasBias: false)(rows).splittingHeads(4) }
  let (q, k, v) = (heads("query"), heads("key"), heads("value"))
  let bias = RelativePositionBias("relative", in: g, headCount: 4)
  let scores = matmul(q, k.transposed()).applying(.relativePositions(bias)).where(.keys(below: lengths), else: -.infinity)
  return x + Linear("output", in: g, inputs: 32, outputs: 32, hasBias: false)(matmul(softmax(scores), v).mergingHeads())
}

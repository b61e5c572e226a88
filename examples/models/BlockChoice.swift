import Heed

/// Causal attention of each query to its own block of four keys and to the two earlier blocks whose mean key it likes best.
/// Lu et al., "MoBA: mixture of block attention for long-context LLMs", 2025.
let blockChoice = Graph("block_choice") { g in
  let q = g.input("q", .f32, ["B", 2, "4*M", 8])
  let k = g.input("k", .f32, ["B", 2, "4*M", 8])
  let v = g.input("v", .f32, ["B", 2, "4*M", 8])

  let means = k.reshape(["B", 2, "M", 4, 8]).mean(3)
  let affinity = matmul(q, means.transposed())
  let (own, block) = (affinity.index(2) / 4, affinity.index(3))
  let earlier = affinity.where(block < own, else: -.infinity)
  let threshold = earlier.topK(2).values[.rest, 1...]
  let chosen = (earlier >= threshold) & (block < own) | (block == own)

  let scores = matmul(q, k.transposed()) / 8.0.squareRoot()
  let isChosen = Mask { pair in pair.element(of: chosen, at: pair.query, pair.key / 4) }
  return matmul(softmax(scores.where(isChosen & .causal(), else: -.infinity)), v)
}

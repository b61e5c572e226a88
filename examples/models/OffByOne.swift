import Heed

/// Attention that may attend to nothing: `exp(s_ij) / (1 + sum over j of exp(s_ij))`, written out with the greatest score taken away first.
/// Miller, "Attention is off by one", 2023.
let offByOne = Graph("off_by_one") { g in
  let q = g.input("q", .f32, ["B", 2, "M", 8])
  let k = g.input("k", .f32, ["B", 2, "N", 8])
  let v = g.input("v", .f32, ["B", 2, "N", 8])
  let scores = matmul(q, k.transposed()) / 8.0.squareRoot()
  let greatest = max(scores.max(-1, keepingDimensions: true), 0)
  let exponentials = exp(scores - greatest)
  let sum = exponentials.sum(-1, keepingDimensions: true) + exp(-greatest)
  return matmul(exponentials / sum, v)
}

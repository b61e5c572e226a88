import Heed

/// A layer of four experts, of which each token takes the best two: rows are sorted by expert, multiplied, and added up where they came
/// from. Jiang et al., "Mixtral of experts", 2024; grouped products: Gale et al., "MegaBlocks", 2023.
let mixtureOfExperts = Graph("mixture_of_experts") { g in
  let x = g.input("x", .f32, ["T", 16])
  let (shares, experts) = softmax(Linear("router", in: g, inputs: 16, outputs: 4, hasBias: false)(x)).topK(2)
  let share = (shares / shares.sum(-1, keepingDimensions: true)).reshape(["2*T"])
  let expert = experts.reshape(["2*T"])

  let order = expert.argSort()
  let counts = expert.oneHot(4, as: .i32).sum(0)
  let offsets = concatenate([g.constant([0], .i32), counts.cumulativeSum()])
  func map(_ name: String, _ rows: Tensor, _ outputs: Int) -> Tensor {
    rows.segmentMatmul(g.parameter(name, .f32, [4, rows.extent(-1), outputs]), offsets)
  }
  let rows = x.gather(order / 2)
  let hidden = silu(map("gate", rows, 24)) * map("up", rows, 24)
  let results = map("down", hidden, 16) * share.gather(order).expandingDimension(-1)
  return g.full(["T", 16], 0.0).scatterAdd(order / 2, results)
}

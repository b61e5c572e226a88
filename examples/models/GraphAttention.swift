import Heed

/// A graph attention layer over a list of edges, sorted by target: `h'_i = sum over edges j -> i of alpha_ij W h_j`, where alpha is the
/// softmax over i's edges of `leakyRelu(a . W h_j + b . W h_i)`. Velickovic et al., "Graph attention networks", 2018.
let graphAttention = Graph("graph_attention") { g in
  let x = g.input("x", .f32, ["N", 16])
  let sources = g.input("sources", .i32, ["E"])
  let offsets = g.input("offsets", .i32, ["N + 1"])
  let targets = g.segmentIDs(offsets, count: "E")

  let h = Linear("map", in: g, inputs: 16, outputs: 16, hasBias: false)(x).reshape(["N", 2, 8])
  let ofSources = (h * g.parameter("source", .f32, [2, 8])).sum(-1)
  let ofTargets = (h * g.parameter("target", .f32, [2, 8])).sum(-1)
  let scores = leakyRelu(ofSources.gather(sources) + ofTargets.gather(targets), slope: 0.2)
  let weights = scores.segmentSoftmax(offsets).expandingDimension(-1)
  return (weights * h.gather(sources)).segmentSum(offsets).reshape(["N", 16])
}

import Heed

extension Example {
  static let promoters = Example(
    name: "promoters", idea: "Attention finds the pairs of motifs that make a promoter, and how far apart they stand.",
    claims: [
      Claim("accuracy", "planted pairs: share of new sequences told right", .atLeast(0.95)),
      Claim(
        "positions", "the greatest weight of the head that matters most is from box to box: share of promoters", .atLeast(0.9),
        exception: "in one seed of five it is so in 0.63 of them"),
      Claim("motifs", "the six most equal bases around its ends are the boxes: letters right, of 12", .atLeast(12)),
      Claim("spacing", "the most frequent distance of those, of 23 bases planted: difference", .atMost(0)),
      Claim("cooperation", "logits that both boxes add beyond the sum of each alone, at the right spacing", .atLeast(2)),
      Claim("apart", "the same at other spacings, of that at the right one", .atMost(0.25)),
      Claim(
        "heads", "margin lost without the two heads that matter most, of the sum of what each costs", .atLeast(1.1), of: .mean,
        exception: "two seeds of five reach it; in the others what heads do overlaps"),
      Claim("real", "106 promoters, 10 folds: share told right by attention", .atLeast(0.85), of: .mean, on: .promoters),
      Claim(
        "one-hot", "the same, less that of logistic regression on bases by position", .atLeast(0), of: .mean, on: .promoters),
      Claim("k-mers", "the same, less that of logistic regression on counts of triples", .atLeast(0), of: .mean, on: .promoters),
    ],
    graph: { Graph("promoters") { [promoterModel($0, length: 60).logit] } },
    run: { laboratory in
      try findPlantedPairs(laboratory)
      if laboratory.has(.promoters) { try compareOnRealPromoters(laboratory) }
    })
}

/// The width of the model, and its heads.
let (promoterWidth, promoterHeads) = (32, 4)

/// The logit that a sequence is a promoter, and the weights of attention. A token is a window of six bases; scores depend on what is in
/// two windows, and on their distance.
/// - Parameter hasGates: whether a call says what the result of each head is multiplied by: 0 takes a head out.
func promoterModel(
  _ g: GraphBuilder, length: Int, hasPositions: Bool = false, hasGates: Bool = false
) -> (logit: Tensor, weights: Tensor) {
  let (width, heads) = (promoterWidth, promoterHeads)
  let bases = g.input("bases", .i32, ["B", length]).oneHot(4)
  let windows = convolution1D(
    bases.transposed(), g.initialize(g.parameter("windows.weight", .f32, [width, 4, 6]), .kaimingUniform()),
    bias: g.initialize(g.parameter("windows.bias", .f32, [width]), .zeros))
  var x = gelu(windows).transposed()
  let tokens = length - 5
  if hasPositions { x += g.initialize(g.parameter("places", .f32, [tokens, width]), .normal(deviation: 0.1)) }
  let distances = g.initialize(g.parameter("distances", .f32, [heads, 2 * tokens - 1]), .zeros)
  var attention = MultiHeadAttention("attention", in: g, size: width, headCount: heads)
  if hasGates { attention.headGates = g.input("gates", .f32, [Extent(heads)]) }
  let (y, weights) = attention.attend(x, mask: .all, scores: .relativeTable(distances))
  x += y
  x += FeedForward("mlp", in: g, size: width, hiddenSize: 2 * width)(LayerNorm("norm", in: g, size: width)(x))
  return (Linear("head", in: g, inputs: width, outputs: 1)(x.max(1)).named("logit"), weights.named("weights"))
}

/// A model that learns to tell promoters from others.
func promoterLearner(rate: Double, steps: Int, weightDecay: Double = 0.01, _ logit: @escaping (GraphBuilder) -> Tensor) throws
  -> Learner
{
  try Learner(AdamW(weightDecay: weightDecay), learningRate: .cosine(from: rate, to: rate / 20, over: steps), clippingNorm: 1) {
    g in
    binaryCrossEntropy(logits: logit(g), g.input("targets", .f32, ["B", 1]))
  } outputs: {
    [logit($0).named("logit")]
  }
}

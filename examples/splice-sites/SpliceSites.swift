import Heed

extension Example {
  static let spliceSites = Example(
    name: "splice-sites",
    idea: "Where a gene is cut: attention reads real DNA, and looks at the bases that decide.",
    claims: [
      Claim(
        "accuracy", "3,001 sequences, five splits: share of a held-out fifth told right by attention", .atLeast(0.95), of: .mean,
        on: .spliceSites),
      Claim(
        "one-hot", "errors of attention, of those of logistic regression on bases by position", .atMost(0.9), of: .mean,
        on: .spliceSites),
      Claim(
        "itself", "errors of attention, of those where windows see only themselves", .atMost(0.9), of: .mean,
        exception: "windows that each know their place do as well", on: .spliceSites),
      Claim(
        "cut", "attention that windows with the cut receive, of what they would receive if all were alike", .atLeast(1.5),
        on: .spliceSites),
      Claim(
        "replaced", "errors with the most attended window replaced, of those with one at random", .atLeast(2), of: .mean,
        on: .spliceSites),
    ],
    graph: { Graph("splice_sites") { [model($0, seesOthers: true).logits] } }, run: measure)
}

private let (length, width, heads, tokens) = (60, 32, 4, 55)

/// The logits of a sequence, and the weights of attention. A token is a window of six bases, at a place that is learned.
/// - Parameter seesOthers: whether windows see others at all.
private func model(_ g: GraphBuilder, seesOthers: Bool) -> (logits: Tensor, weights: Tensor) {
  let bases = g.input("bases", .i32, ["B", length]).oneHot(4)
  let windows = convolution1D(
    bases.transposed(), g.initialize(g.parameter("windows.weight", .f32, [width, 4, 6]), .kaimingUniform()),
    bias: g.initialize(g.parameter("windows.bias", .f32, [width]), .zeros))
  var x = gelu(windows).transposed() + g.initialize(g.parameter("places", .f32, [tokens, width]), .normal(deviation: 0.1))
  let attention = MultiHeadAttention("attention", in: g, size: width, headCount: heads)
  let (y, weights) = attention.attend(
    LayerNorm("norm1", in: g, size: width)(x), mask: seesOthers ? .all : Mask { $0.query == $0.key })
  x += y
  x += FeedForward("mlp", in: g, size: width, hiddenSize: 2 * width)(LayerNorm("norm2", in: g, size: width)(x))
  return (Linear("head", in: g, inputs: width, outputs: 3)(x.max(1)).named("logits"), weights)
}

/// Logistic regression: a weight for each base at each position.
private func regression(_ g: GraphBuilder) -> Tensor {
  let bases = g.input("bases", .i32, ["B", length]).oneHot(4)
  return Linear("map", in: g, inputs: 4 * length, outputs: 3)(bases.reshape(["B", 4 * length])).named("logits")
}

private func learner(rate: Double, steps: Int, _ outputs: @escaping (GraphBuilder) -> [Tensor]) throws -> Learner {
  try Learner(
    AdamW(weightDecay: 0.1), learningRate: .cosine(from: rate, to: rate / 20, over: steps).warmedUp(over: 20), clippingNorm: 1
  ) { g in
    crossEntropy(outputs(g)[0], g.input("kinds", .i32, ["B"]))
  } outputs: {
    outputs($0)
  }
}

private func measure(_ laboratory: Laboratory) throws {
  guard laboratory.has(.spliceSites) else { return }
  let sites = try SpliceSites()
  let steps = laboratory.short(300, full: 500)
  let kinds: [(GraphBuilder) -> [Tensor]] = [
    { g in
      let (logits, weights) = model(g, seesOthers: true)
      return [logits, weights.mean(1).mean(1).named("received")]
    }, { [model($0, seesOthers: false).logits] }, { [regression($0)] },
  ]
  func trained(_ learner: Learner, seed: Int, on training: [Int]) throws -> TrainedModel {
    try learner.train(steps: steps, seed: seed) { step in
      var numbers = SeededGenerator(seed: 10_000 * seed + step)
      return try sites.batch((0..<64).map { _ in training.randomElement(using: &numbers)! })
    }.model
  }
  // Each has the best of three learning rates, chosen on sequences that no split holds out.
  let (kept, others) = sites.chosen(for: 0, of: Array(sites.bases.indices))
  let learners = try kinds.map { kind in
    guard !laboratory.isShort else { return try learner(rate: 3e-3, steps: steps, kind) }
    let tried = try [1e-3, 3e-3, 1e-2].map { rate in
      let learner = try learner(rate: rate, steps: steps, kind)
      return (learner: learner, errors: try sites.errors(try trained(learner, seed: 100, on: others), kept))
    }
    return tried.min { $0.errors < $1.errors }!.learner
  }
  var received: [[[Double]]] = []
  for seed in laboratory.seeds {
    let (test, rest) = sites.chosen(for: seed, of: others)
    let models = try learners.map { try trained($0, seed: seed, on: rest + kept) }
    let errors = try models.map { Double(try sites.errors($0, test)) }
    laboratory.say(
      "split \(seed): errors of \(test.count): attention \(shown(errors[0])), windows alone \(shown(errors[1])), regression \(shown(errors[2]))"
    )
    laboratory.measure("accuracy", 1 - errors[0] / Double(test.count))
    laboratory.measure("itself", errors[0] / errors[1])
    laboratory.measure("one-hot", errors[0] / errors[2])

    let maps = try models[0](try sites.inputs(test))["received"]!.doubles()
    let rows = test.indices.map { Array(maps[$0 * tokens..<($0 + 1) * tokens]) }
    // The cut is between the bases 29 and 30: the windows that begin from 25 to 29 hold bases of both sides.
    laboratory.measure("cut", mean(rows.map { $0[25...29].reduce(0, +) }) / (5 / Double(tokens)))
    let most = rows.map { row in row.indices.max { row[$0] < row[$1] }! }
    var numbers = SeededGenerator(seed: -seed)
    let anywhere = rows.map { _ in Int.random(in: 0..<tokens, using: &numbers) }
    func errorsWithout(_ windows: [Int]) throws -> Double {
      Double(try sites.replaced(test, windows, seed: seed).errors(models[0], Array(test.indices)))
    }
    laboratory.measure("replaced", try errorsWithout(most) / errorsWithout(anywhere))
    received.append(
      (0..<3).map { kind in
        let ofKind = rows.indices.filter { sites.kinds[test[$0]] == kind }
        return (0..<tokens).map { place in mean(ofKind.map { rows[$0][place] }) * Double(tokens) }
      })
  }
  try draw(laboratory, received)
}

/// For each kind of sequence, how much attention each window receives: the mean of the splits.
private func draw(_ laboratory: Laboratory, _ received: [[[Double]]]) throws {
  try laboratory.draw(
    Plot(
      title: "Attention looks where a gene is cut, and before an exon at what leads to it",
      x: Plot.Axis(label: "where a window of six bases begins, from the cut"),
      y: Plot.Axis(label: "attention received (1: all alike)"),
      series: zip(0..<3, ["an exon ends at the cut", "an exon begins at the cut", "neither"]).map { kind, title in
        Plot.Series(
          title: title, points: (0..<tokens).map { place in (Double(place - 30), mean(received.map { $0[kind][place] })) })
      }, key: "top right"))
}

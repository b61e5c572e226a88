import Foundation
import Heed

extension Example {
  static let scaling = Example(
    name: "scaling", idea: "Scores are divided by sqrt(d), since the variance of a product of d components is d.",
    claims: [
      Claim("plain", "without scaling, the variance of the logits over d, d = 4 ... 1024", .between(0.95, 1.05)),
      Claim("scaled", "with scaling, the variance of the logits, d = 4 ... 1024", .between(0.95, 1.05)),
      Claim("entropy", "with scaling, the entropy of 128 weights at d = 1024, of log 128", .atLeast(0.85)),
      Claim("saturated", "without scaling, the same", .atMost(0.1)),
      Claim(
        "gradient", "without scaling, the mean gradient through the softmax at d = 1024, of that with scaling", .atMost(0.2),
        exception: "the few rows in which two keys compete carry the mean"),
      Claim("median", "the same of the median row", .atMost(0.05)),
      Claim("training", "a model of d = 512 trained without scaling: its loss, of that with scaling", .atLeast(1.5)),
    ],
    graph: statistics, run: measure)
}

/// The variance of the logits, the mean entropy of a row of weights, and for each row the norm of the gradient, by the logits, of a random
/// sum of the weights.
private func statistics() -> Graph {
  Graph("statistics") { g in
    let (q, k) = (g.input("q", .f32, ["H", "N", "D"]), g.input("k", .f32, ["H", "N", "D"]))
    let logits = matmul(q, k.transposed()) * g.input("scale", .f32)
    let weights = softmax(logits)
    let entropy = -(weights * log(max(weights, 1e-30))).sum(-1).mean()
    let slopes = gradients(of: (weights * g.input("r", .f32, ["H", "N", "N"])).sum(), with: [logits])[0]
    let norm = sqrt((slopes * slopes).sum(-1))
    return [logits.variance().named("variance"), entropy.named("entropy"), norm.named("gradient")]
  }
}

private func measure(_ laboratory: Laboratory) throws {
  let program = try statistics().compile()
  let (heads, rows) = (64, 128)
  let widths = (2...10).map { 1 << $0 }
  var curves: [String: [(x: Double, y: Double)]] = [:]
  for seed in laboratory.seeds {
    for width in widths {
      let arrays = (0..<2).map { NDArray.random([heads, rows, width], seed: 100 * seed + $0) }
      let r = NDArray.random([heads, rows, rows], seed: 100 * seed + 2)
      func statistics(scale: Double) throws -> (variance: Double, entropy: Double, gradient: Double, median: Double) {
        let out = try program(["q": arrays[0], "k": arrays[1], "r": r, "scale": NDArray(Float(scale))])
        let norms = try out["gradient"]!.doubles().sorted()
        return (
          try out["variance"]!.double(), try out["entropy"]!.double() / log(Double(rows)), mean(norms), norms[norms.count / 2]
        )
      }
      let (plain, scaled) = (try statistics(scale: 1), try statistics(scale: 1 / Double(width).squareRoot()))
      laboratory.measure("plain", plain.variance / Double(width))
      laboratory.measure("scaled", scaled.variance)
      if width == 1024 {
        laboratory.measure("entropy", scaled.entropy)
        laboratory.measure("saturated", plain.entropy)
        laboratory.measure("gradient", plain.gradient / scaled.gradient)
        laboratory.measure("median", plain.median / scaled.median)
      }
      guard seed == 1 else { continue }
      for (name, value) in [
        ("variance", plain.variance), ("entropy", plain.entropy), ("gradient", plain.median),
        ("variance, scaled", scaled.variance), ("entropy, scaled", scaled.entropy), ("gradient, scaled", scaled.median),
      ] { curves[name, default: []].append((Double(width), value)) }
    }
  }
  for (part, label, title) in [
    ("variance", "variance of the logits", "Without scaling, scores have the variance d"),
    ("entropy", "entropy of the weights (1: all equal)", "Without scaling, one weight takes all as d grows"),
    ("gradient", "gradient through the softmax, median row", "Without scaling, most rows lose their gradient as d grows"),
  ] {
    try laboratory.draw(
      Plot(
        title: title, x: Plot.Axis(label: "width d of queries and keys", isLogarithmic: true),
        y: Plot.Axis(label: label, isLogarithmic: part != "entropy"),
        series: [
          Plot.Series(title: "q k", points: curves[part]!), Plot.Series(title: "q k / sqrt(d)", points: curves["\(part), scaled"]!),
        ], key: part == "variance" ? "top left" : "bottom left"), part)
  }
  try train(laboratory)
}

// MARK: Training

private let (tokens, size, width) = (16, 32, 512)

/// Tokens hold a name and a content. A question holds the name of one of them, with noise; the answer is its content.
private func learner(scale: Double, rate: Double) throws -> Learner {
  try Learner(learningRate: .constant(rate), clippingNorm: 1) { g in
    let (names, contents) = (g.input("names", .f32, ["B", tokens, size]), g.input("contents", .f32, ["B", tokens, 8]))
    let (question, answer) = (g.input("question", .f32, ["B", 1, size]), g.input("answer", .f32, ["B", 8]))
    let q = Linear("query", in: g, inputs: size, outputs: width)(question)
    let k = Linear("key", in: g, inputs: size, outputs: width)(names)
    // A linear layer begins with outputs of variance 1/3: by 3, the logits have the variance that the theory gives them.
    let read = matmul(softmax(matmul(q, k.transposed()) * (3 * scale)), contents)
    return meanSquaredError(read.reshape(["B", 8]), answer)
  }
}

private func batch(seed: Int) throws -> [String: NDArray] {
  let count = 64
  var numbers = SeededGenerator(seed: seed)
  func normal(_ shape: [Int]) throws -> NDArray {
    try NDArray((0..<shape.reduce(1, *)).map { _ in Float(numbers.normal()) }, shape)
  }
  let (names, contents, noise) = (
    try normal([count, tokens, size]), try normal([count, tokens, 8]), try normal([count, 1, size]).floats()
  )
  let (all, held) = (try names.floats(), try contents.floats())
  let chosen = (0..<count).map { $0 * tokens + Int.random(in: 0..<tokens, using: &numbers) }
  let clean = chosen.flatMap { all[$0 * size..<($0 + 1) * size] }
  return [
    "names": names, "contents": contents,
    "question": try NDArray(zip(clean, noise).map { $0 + 0.3 * $1 }, [count, 1, size]),
    "answer": try NDArray(chosen.flatMap { held[$0 * 8..<($0 + 1) * 8] }, [count, 8]),
  ]
}

/// Both models get the best of three learning rates, chosen with a seed of its own.
private func train(_ laboratory: Laboratory) throws {
  let steps = laboratory.short(100, full: 300)
  func losses(_ learner: Learner, seed: Int) throws -> [Double] {
    try learner.train(steps: steps, seed: seed) { try batch(seed: 10_000 * seed + $0) }.losses
  }
  let learners = try [1, 1 / Double(width).squareRoot()].map { scale in
    let tried = try [3e-4, 1e-3, 3e-3].map { rate in
      let learner = try learner(scale: scale, rate: rate)
      return (learner, last: mean(try losses(learner, seed: 100).suffix(20)))
    }
    return tried.min { $0.last < $1.last }!.0
  }
  var curves: [[Double]] = []
  for seed in laboratory.seeds {
    let found = try learners.map { try losses($0, seed: seed) }
    laboratory.measure("training", mean(found[0].suffix(20)) / mean(found[1].suffix(20)))
    if seed == 1 { curves = found }
  }
  try laboratory.draw(
    Plot(
      title: "A model of width 512 learns to look up, sooner with scaling", x: Plot.Axis(label: "step"),
      y: Plot.Axis(label: "squared error"),
      series: zip(["q k", "q k / sqrt(d)"], curves).map { title, losses in
        Plot.Series(title: title, points: losses.enumerated().map { (Double($0), $1) }, style: .lines)
      }, key: "top right"),
    "training")
}

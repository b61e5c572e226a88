import Foundation
import Heed

extension Example {
  static let causation = Example(
    name: "causation", idea: "A large attention weight is not a cause: only an intervention tells what an output depends on.",
    claims: [
      Claim(
        "weights", "pretrained encoder: rank correlation of a word's attention with the effect of its removal", .atMost(0.5),
        of: .mean),
      Claim(
        "gradients", "rank correlation of gradient times input with that effect, above the former", .atLeast(0.1), of: .mean,
        exception: "the slope at a word says little of what its removal does"),
      Claim(
        "baseline", "gradient times the difference to [MASK], above gradient times input", .atLeast(0.3), of: .mean,
        exception: "nor does the slope towards [MASK]"),
      Claim(
        "replaced", "[MASK] in a word's place: rank correlation of what that changes with the effect of removal", .atLeast(0.6),
        of: .mean),
      Claim("path", "gradient times the difference to [MASK]: rank correlation with what [MASK] changes", .atMost(0.3), of: .mean),
      Claim("slope", "gradient times input, of the slope that two calls find", .between(0.95, 1.05)),
      Claim("observed", "trained on observations: right answers on observations", .atLeast(0.93)),
      Claim(
        "misled", "the same: weight of the correlate, of that of cause and correlate", .atLeast(0.6),
        exception: "up to 0.42 of it goes to the cause, though no answer changes with the cause"),
      Claim("confused", "the same: right answers where the correlate is set at random", .atMost(0.7)),
      Claim("flipped", "the same: answers that change with the cause", .atMost(0.3)),
      Claim("resolved", "trained with the correlate set at random: right answers there (0.9 is the most)", .atLeast(0.85)),
      Claim("found", "the same: weight of the cause, of that of cause and correlate", .atLeast(0.8)),
      Claim("effect", "the same: answers that change with the cause", .atLeast(0.9)),
      Claim("none", "the same: answers that change with the correlate", .atMost(0.1)),
    ],
    graph: {
      try Graph(building: "reader") {
        let read = reader($0); return [read.logits, read.weights]
      }
    }, run: measure, needsEncoder: true)
}

// The world: a cause decides an answer, 9 times in 10, and the answer leaves a trace, 97 times in 100. Tokens are the cause, the trace
// and others that mean nothing, in any order; each has a sign. Whoever only observes does best to read the trace.

private let (tokens, width) = (12, 16)
private let (cause, trace) = (0, 1)

/// One query reads the tokens: the logits of the two answers, `[B, 2]`, and the weights, `[B, 1, tokens]`.
private func reader(_ g: GraphBuilder) -> (logits: Tensor, weights: Tensor) {
  let (kinds, signs) = (g.input("kinds", .i32, ["B", Extent(tokens)]), g.input("signs", .i32, ["B", Extent(tokens)]))
  let x = Embedding("kinds", in: g, count: tokens, size: width)(kinds) + Embedding("signs", in: g, count: 2, size: width)(signs)
  let query = g.initialize(g.parameter("query", .f32, [1, Extent(width)]), .normal())
  let keys = Linear("key", in: g, inputs: width, outputs: width)(x)
  let weights = softmax(matmul(query, keys.transposed()) / Double(width).squareRoot()).named("weights")
  let read = matmul(weights, Linear("value", in: g, inputs: width, outputs: width)(x))
  return (Linear("answer", in: g, inputs: width, outputs: 2)(read).reshape(["B", 2]).named("logits"), weights)
}

/// Samples of the world; an intervention sets the trace at random.
private struct Samples {
  var kinds: [Int32] = []
  var signs: [Int32] = []
  var answers: [Int32] = []

  init(_ count: Int, intervening: Bool, seed: Int) {
    var numbers = SeededGenerator(seed: seed)
    for _ in 0..<count {
      var signs = (0..<tokens).map { _ in Int32.random(in: 0...1, using: &numbers) }
      let answer = Double.random(in: 0..<1, using: &numbers) < 0.9 ? signs[cause] : 1 - signs[cause]
      let left = Double.random(in: 0..<1, using: &numbers) < 0.97 ? answer : 1 - answer
      if !intervening { signs[trace] = left }
      let order = (0..<tokens).shuffled(using: &numbers)
      kinds += order.map(Int32.init)
      self.signs += order.map { signs[$0] }
      answers.append(answer)
    }
  }

  func inputs() throws -> [String: NDArray] {
    ["kinds": try NDArray(kinds, [answers.count, tokens]), "signs": try NDArray(signs, [answers.count, tokens])]
  }

  /// The same with the sign of one kind of token turned round.
  func flipping(_ kind: Int) -> Samples {
    var samples = self
    samples.signs = zip(kinds, signs).map { $0 == kind ? 1 - $1 : $1 }
    return samples
  }
}

private func measure(_ laboratory: Laboratory) throws {
  let steps = 500
  let learner = try Learner(
    learningRate: .cosine(from: 1e-2, to: 1e-3, over: steps), clippingNorm: 1,
    loss: { g in crossEntropy(reader(g).logits, g.input("answers", .i32, ["B"])) },
    outputs: { g in
      let (logits, weights) = reader(g)
      return [logits.argMax(-1).named("answers"), weights.named("weights")]
    })
  for seed in laboratory.seeds {
    for intervening in [false, true] {
      let (model, _) = try learner.train(steps: steps, seed: seed) { step in
        let samples = Samples(64, intervening: intervening, seed: 10_000 * seed + step)
        return try samples.inputs().merging(["answers": NDArray(samples.answers, [64])]) { $1 }
      }
      func answers(_ samples: Samples) throws -> [Int] { try model(samples.inputs())["answers"]!.ints() }
      func share(_ a: [Int], _ isEqual: Bool, _ b: [Int]) -> Double { mean(zip(a, b).map { ($0 == $1) == isEqual ? 1 : 0 }) }
      let (seen, set) = (
        Samples(2000, intervening: false, seed: 10_000 * seed - 1), Samples(2000, intervening: true, seed: 10_000 * seed - 2)
      )
      let weights = try model(set.inputs())["weights"]!.doubles()
      func weight(_ kind: Int) -> Double { zip(set.kinds, weights).reduce(0) { $0 + ($1.0 == kind ? $1.1 : 0) } }
      let part = weight(trace) / (weight(trace) + weight(cause))
      let right = share(try answers(set), true, set.answers.map(Int.init))
      let (byCause, byTrace) = (
        share(try answers(set), false, try answers(set.flipping(cause))),
        share(try answers(set), false, try answers(set.flipping(trace)))
      )
      if intervening {
        laboratory.measure("resolved", right)
        laboratory.measure("found", 1 - part)
        laboratory.measure("effect", byCause)
        laboratory.measure("none", byTrace)
      } else {
        laboratory.measure("observed", share(try answers(seen), true, seen.answers.map(Int.init)))
        laboratory.measure("misled", part)
        laboratory.measure("confused", right)
        laboratory.measure("flipped", byCause)
      }
    }
  }
  try compareAttributions(laboratory)
}

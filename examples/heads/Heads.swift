import Foundation
import Heed

extension Example {
  static let heads = Example(
    name: "heads", idea: "Several heads look at several things at once, with no more parameters than one.",
    claims: [
      Claim("parameters", "parameters of a layer of width 384 with 1 ... 64 heads: different numbers", .between(1, 1)),
      Claim("one", "one head asked for two tokens at once, with as many parameters: share of right answers", .atMost(0.7)),
      Claim("several", "two, four, eight heads asked for two tokens at once: the same", .atLeast(0.95)),
      Claim("differ", "pretrained encoder: mean divergence of the maps of two of its heads, in bits", .atLeast(0.1)),
      Claim("distinct", "the same of the two heads that are most alike", .atLeast(0.01)),
      Claim("untrained", "the same encoder with random weights: mean divergence, of the pretrained one's", .atMost(0.1)),
      Claim("layers", "divergence of two heads of a layer, of that of heads of different layers", .atMost(0.95)),
      Claim("previous", "the head that attends most to the previous token: weight there", .atLeast(0.5)),
    ],
    graph: { try Graph(building: "heads") { layer(heads: 4, width: 32, $0) } }, run: measure, needsEncoder: true)
}

private func layer(heads: Int, width: Int, _ g: GraphBuilder) -> Tensor {
  let x = g.input("x", .f32, ["B", "S", Extent(width)])
  return MultiHeadAttention("attention", in: g, size: width, headCount: heads)(x).named("y")
}

private func measure(_ laboratory: Laboratory) throws {
  let counts = try (0...6).map { power in
    let graph = try Graph(building: "heads") { layer(heads: 1 << power, width: 384, $0) }
    return graph.arguments.filter { $0.role == .parameter }.map { parameter in
      graph.type(parameter.value).shape.extents.reduce(1) { $0 * $1.constant! }
    }.reduce(0, +)
  }
  laboratory.say("parameters of a layer of width 384: \(counts[0])")
  laboratory.measure("parameters", Double(Set(counts).count))
  try askForTwo(laboratory)
  try compareHeads(laboratory)
}

// MARK: Two things at once

private let (names, values, width, tokens) = (16, 8, 32, 16)

/// Tokens hold a name and a value. A question names two of them, a first and a second; the answers are the two values, in that order.
private func logits(heads: Int, _ g: GraphBuilder) -> Tensor {
  func embedding(_ name: String, _ count: Int) -> Tensor {
    Embedding(name, in: g, count: count, size: width)(g.input(name, .i32, ["B", Extent(tokens)]))
  }
  let context = embedding("names", names) + embedding("values", values)
  func asked(_ name: String) -> Tensor { Embedding(name, in: g, count: names, size: width)(g.input(name, .i32, ["B", 1])) }
  let question = asked("first") + asked("second")
  let read = MultiHeadAttention("attention", in: g, size: width, headCount: heads)(question, context: context)
  return Linear("answer", in: g, inputs: width, outputs: 2 * values)(read).reshape(["B", 2, Extent(values)])
}

private func questions(_ count: Int, seed: Int) throws -> [String: NDArray] {
  var numbers = SeededGenerator(seed: seed)
  var arrays: [String: [Int32]] = [:]
  for _ in 0..<count {
    let order = (0..<Int32(names)).shuffled(using: &numbers)
    let held = order.map { _ in Int32.random(in: 0..<Int32(values), using: &numbers) }
    let asked = order.indices.shuffled(using: &numbers).prefix(2)
    arrays["names", default: []] += order
    arrays["values", default: []] += held
    arrays["first", default: []].append(order[asked[0]])
    arrays["second", default: []].append(order[asked[1]])
    arrays["answers", default: []] += asked.map { held[$0] }
  }
  return try arrays.mapValues { try NDArray($0, [count, $0.count / count]) }
}

private func askForTwo(_ laboratory: Laboratory) throws {
  let steps = laboratory.short(250, full: 500)
  var curves: [Plot.Series] = []
  for heads in [1, 2, 4, 8] {
    let learner = try Learner(
      AdamW(weightDecay: 0), learningRate: .cosine(from: 1e-2, to: 1e-3, over: steps), clippingNorm: 1,
      loss: { g in crossEntropy(logits(heads: heads, g), g.input("answers", .i32, ["B", 2])) },
      outputs: { [logits(heads: heads, $0).argMax(-1)] })
    for seed in laboratory.seeds {
      let (model, losses) = try learner.train(steps: steps, seed: seed) { try questions(64, seed: 10_000 * seed + $0) }
      var test = try questions(1000, seed: 10_000 * seed - 1)
      let answers = try test.removeValue(forKey: "answers")!.ints()
      let right = zip(try model(test).ints(), answers).count { $0 == $1 }
      laboratory.measure(heads == 1 ? "one" : "several", Double(right) / Double(answers.count))
      guard seed == 1 else { continue }
      let points = stride(from: 0, to: steps, by: 10).map { (Double($0 + 5), mean(losses[$0..<$0 + 10])) }
      curves.append(
        Plot.Series(title: "\(heads) \(heads == 1 ? "head" : "heads") of width \(width / heads)", points: points, style: .lines))
    }
  }
  try laboratory.draw(
    Plot(
      title: "Asked for two tokens at once, as many parameters each", x: Plot.Axis(label: "step"),
      y: Plot.Axis(label: "cross-entropy (nats)"), series: curves, key: "top right"),
    "training")
}

import Foundation
import Heed

extension Example {
  static let inductionHeads = Example(
    name: "induction-heads",
    idea: "Two layers learn to go on with what was there before: one head looks one back, another copies what came next.",
    claims: [
      Claim("drop", "loss on a repetition, of that on what is repeated", .atMost(0.2)),
      Claim("one", "one layer of as many parameters: the same", .atLeast(0.6)),
      Claim(
        "previous", "layer 1 has a head that looks at the previous token: weight there", .atLeast(0.5),
        exception: "the heads of layer 1 share this role"),
      Claim("induction", "layer 2 has a head that looks at what came after the same token: weight there", .atLeast(0.5)),
      Claim("copying", "letters that this head's values and outputs make likeliest themselves: share", .atLeast(0.8)),
      Claim("mover", "what induction heads add to the right letter's logit, of what all heads add", .atLeast(0.8)),
      Claim(
        "negative", "a head that lowers the right letter's logit: by how much, of what the best adds", .atLeast(0.1),
        exception: "so small a model forms none"),
      Claim("ablated", "without the induction heads: loss on a repetition, of that on what is repeated", .atLeast(0.7)),
      Claim(
        "chain", "without the heads that look at the previous token: the same", .atLeast(0.7),
        exception: "the other heads of layer 1 have a part of the role"),
      Claim("others", "without any one other head: the same", .atMost(0.4)),
    ],
    graph: layer, run: measure)
}

private func layer() throws -> Graph {
  try Graph(building: "layer") { g in
    let model = InductionModel()
    let x = g.input("x", .f32, ["B", "T", Extent(model.width)])
    return model.attend(x, gates: g.input("gates", .f32, [Extent(InductionModel.heads)]), g).added.named("added")
  }
}

private func makeLearner(_ model: InductionModel, steps: Int) throws -> Learner {
  var learner = try Learner(
    AdamW(weightDecay: 0), learningRate: .cosine(from: 1e-2, to: 1e-3, over: steps).warmedUp(over: 20), clippingNorm: 1,
    loss: model.loss, outputs: model.roles)
  learner.initializers["*.output.weight"] = .normal(deviation: 0.1)
  return learner
}

private func measure(_ laboratory: Laboratory) throws {
  let steps = laboratory.short(300, full: 600)
  // One layer of width 88 has as many parameters as two of width 64, within 1 %.
  let (two, one) = (InductionModel(), InductionModel(layers: 1, width: 88))
  let (deep, flat) = (try makeLearner(two, steps: steps), try makeLearner(one, steps: steps))
  for seed in laboratory.seeds {
    let test = try InductionModel.repetitions(64, blocks: 12...12, seed: 10_000 * seed - 1)
    /// The roles of heads, and the loss on a repetition over that on what is repeated, without some heads.
    func roles(_ model: TrainedModel, layers: Int = 2, without ablated: [Int] = []) throws -> (
      Outputs, first: Double, ratio: Double
    ) {
      let gates = (0..<layers * InductionModel.heads).map { ablated.contains($0) ? 0 : 1 as Float }
      let out = try model(test.merging(["gates": NDArray(gates, [layers, InductionModel.heads])]) { $1 })
      let losses = try out["losses"]!.doubles()
      return (out, mean(losses[..<11]), mean(losses[12...]) / mean(losses[..<11]))
    }
    func train(_ learner: Learner, layers: Int, observe: ((Int, TrainedModel) throws -> Void)? = nil) throws -> TrainedModel {
      try learner.train(steps: steps, seed: seed, observing: 20, observe: observe) { step in
        var batch = try InductionModel.repetitions(32, blocks: 8...16, seed: 10_000 * seed + step)
        batch["gates"] = .ones([layers, InductionModel.heads])
        return batch
      }.model
    }
    var curves: [String: [(x: Double, y: Double)]] = [:]
    let model = try train(deep, layers: 2) { made, model in
      guard seed == 1 else { return }
      let (out, first, ratio) = try roles(model)
      for (name, value) in [
        ("loss on what is repeated", first), ("loss on a repetition", ratio * first),
        ("weight of the best induction head", try out["induction"]!.doubles().max()!),
        ("weight of the best previous-token head", try out["previous"]!.doubles().max()!),
      ] { curves[name, default: []].append((Double(made), value)) }
    }
    let (out, _, drop) = try roles(model)
    laboratory.measure("drop", drop)
    laboratory.measure("one", try roles(train(flat, layers: 1), layers: 1).ratio)

    let (previous, induction) = (try out["previous"]!.doubles(), try out["induction"]!.doubles())
    let (copying, added) = (try out["copying"]!.doubles(), try out["added"]!.doubles())
    let (lower, upper) = (0..<InductionModel.heads, InductionModel.heads..<2 * InductionModel.heads)
    let best = upper.max { induction[$0] < induction[$1] }!
    laboratory.measure("previous", lower.map { previous[$0] }.max()!)
    laboratory.measure("induction", induction[best])
    laboratory.measure("copying", copying[best])
    // A head has a role where at least 0.3 of its weight is there.
    let (looking, inducing) = (lower.filter { previous[$0] >= 0.3 }, upper.filter { induction[$0] >= 0.3 })
    laboratory.measure("mover", inducing.map { added[$0] }.reduce(0, +) / added.reduce(0, +))
    laboratory.measure("negative", -added.min()! / added.max()!)
    laboratory.measure("ablated", try roles(model, without: inducing).ratio)
    laboratory.measure("chain", try roles(model, without: looking).ratio)
    let others = (lower.startIndex..<upper.endIndex).filter { !looking.contains($0) && !inducing.contains($0) }
    laboratory.measure("others", try others.map { try roles(model, without: [$0]).ratio })
    laboratory.say("seed \(seed): induction heads \(inducing), previous-token heads \(looking), \(others.count) others")
    if seed == 1 { try draw(laboratory, curves, [previous, induction, copying, added], out["weights"]!, best, test["ids"]!) }
  }
}

private func draw(
  _ laboratory: Laboratory, _ curves: [String: [(x: Double, y: Double)]], _ roles: [[Double]], _ weights: NDArray, _ best: Int,
  _ ids: NDArray
) throws {
  try laboratory.draw(
    Plot(
      title: "The loss on a repetition falls as two heads form", x: Plot.Axis(label: "step"), y: Plot.Axis(label: "nats; weight"),
      series: curves.sorted { $0.key < $1.key }.map { Plot.Series(title: $0.key, points: $0.value, style: .lines) },
      key: "center right"))
  let names = (0..<2 * InductionModel.heads).map { "layer \($0 / InductionModel.heads + 1), head \($0 % InductionModel.heads + 1)" }
  let most = roles[3].map(abs).max()!
  try laboratory.draw(
    HeatMap(
      title: "What each head does", values: names.indices.map { [roles[0][$0], roles[1][$0], roles[2][$0], roles[3][$0] / most] },
      rows: names, columns: ["previous token", "induction", "copying", "right letter"], scale: "score", range: -1...1),
    "roles")
  let letters = try ids.ints().prefix(InductionModel.length).map { String(UnicodeScalar(UInt8(97 + $0))) }
  let length = letters.count
  let numbers = Array(try weights.doubles()[(best % InductionModel.heads * length * length)...].prefix(length * length))
  try laboratory.draw(
    HeatMap(
      title: "An induction head looks at what came after the same letter",
      values: (0..<length).map { Array(numbers[$0 * length..<($0 + 1) * length]) }, rows: letters, columns: letters,
      rowLabel: "query", columnLabel: "key", scale: "weight", range: 0...1),
    "map")
}

import Foundation
import Heed

/// The items of an order, A > B > ... > H.
private let items = ["A", "B", "C", "D", "E", "F", "G", "H"]

/// From pairs of items, whether the first is the greater: its logit. One layer of attention over the two tokens.
private func logit(_ g: GraphBuilder, deviation: Double) -> Tensor {
  let width = 32
  let table = g.initialize(g.parameter("items.weight", .f32, [Extent(items.count), Extent(width)]), .normal(deviation: deviation))
  var x = Embedding(weight: table)(g.input("pairs", .i32, ["B", 2]))
  x += Embedding("places", in: g, count: 2, size: width)(g.iota([2]))
  x += MultiHeadAttention("attention", in: g, size: width, headCount: 4)(LayerNorm("norm1", in: g, size: width)(x))
  x += FeedForward("mlp", in: g, size: width, hiddenSize: 64)(LayerNorm("norm2", in: g, size: width)(x))
  return Linear("greater", in: g, inputs: width, outputs: 1)(x[.all, 1])[.all, 0].named("logit")
}

func itemComparison() -> Graph { Graph("comparison") { logit($0, deviation: 1) } }

/// Pairs of items, by their ranks, and both orders of each.
private func bothWays(_ pairs: [(Int, Int)]) -> [(Int, Int)] { pairs.flatMap { [$0, ($0.1, $0.0)] } }

private func tensors(_ pairs: [(Int, Int)]) throws -> [String: NDArray] {
  [
    "pairs": try NDArray(pairs.flatMap { [Int32($0.0), Int32($0.1)] }, [pairs.count, 2]),
    "greater": try NDArray(pairs.map { $0.0 < $0.1 ? 1 : 0 as Float }),
  ]
}

/// A chain is learned from its neighbours, with embeddings that begin large or small. Two lists are learned first, then linked by one pair,
/// shown alone or with the others.
func measureTransitivity(_ laboratory: Laboratory) throws {
  let neighbours = (0..<7).map { ($0, $0 + 1) }
  let all = (0..<8).flatMap { one in (0..<8).map { (one, $0) } }
  let inner = all.filter { one, other in abs(one - other) > 1 && ![0, 7].contains(one) && ![0, 7].contains(other) }
  let across = all.filter { ($0.0 < 4) != ($0.1 < 4) && abs($0.0 - $0.1) > 1 }
  let lists = [neighbours.filter { $0.0 != 3 }, [(3, 4)]]
  for (name, deviation, phases, asked, title) in [
    ("chain", 1, [neighbours], inner, "Large embeddings learn neighbours pair by pair"),
    ("chain, small", 0.02, [neighbours], inner, "Small embeddings learn one order"),
    ("linked", 0.02, lists, across, "Two lists, then D > E alone: forgotten"),
    ("rehearsed", 0.02, [lists[0], neighbours], across, "Two lists, then D > E as well: not joined"),
  ] {
    let learner = try Learner(
      AdamW(weightDecay: 0), learningRate: 3e-3, clippingNorm: 1,
      loss: { g in binaryCrossEntropy(logits: logit(g, deviation: deviation), g.input("greater", .f32, ["B"])) },
      outputs: { g in [logit(g, deviation: deviation)] })
    let list = phases.map { $0.map { "\(items[$0.0]) > \(items[$0.1])" }.joined(separator: ", ") }.joined(separator: "; then ")
    laboratory.say("training set of '\(name)': \(list); in both orders")
    var chances = all.map { _ in 0.0 }
    for seed in laboratory.seeds {
      let (model, _) = try learner.train(steps: 200 * phases.count, seed: seed) { try tensors(bothWays(phases[$0 / 200])) }
      func right(_ pairs: [(Int, Int)]) throws -> Double {
        let logits = try model(["pairs": tensors(pairs)["pairs"]!]).floats()
        return mean(zip(logits, pairs).map { ($0 > 0) == ($1.0 < $1.1) ? 1 : 0 })
      }
      laboratory.measure(name, try right(asked))
      laboratory.say(
        "  right: \(shown(try right(asked))); of the pairs trained: \(shown(try right(bothWays(phases.flatMap { $0 }))))")
      let logits = try model(["pairs": tensors(all)["pairs"]!]).doubles()
      chances = zip(chances, logits).map { $0 + 1 / (1 + exp(-$1)) / Double(laboratory.seeds.count) }
    }
    try laboratory.draw(
      HeatMap(
        title: title, values: (0..<8).map { Array(chances[8 * $0..<8 * $0 + 8]) }, rows: items, columns: items,
        rowLabel: "first item",
        columnLabel: "second item", scale: "P(first > second), mean of the seeds", range: 0...1),
      name.replacing(", ", with: "-"))
  }
}

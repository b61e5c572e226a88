import Foundation
import Heed

/// Objects by maps that are learned. The logits are those of a softmax by which the objects are the less likely the more attention they receive.
private func logits(_ g: GraphBuilder) -> Tensor {
  let width = ObjectSet.attributes * ObjectSet.values
  let objects = g.input("objects", .f32, ["B", "N", Extent(width)])
  func linear(_ name: String) -> Tensor { Linear(name, in: g, inputs: width, outputs: ObjectSet.values, hasBias: false)(objects) }
  return -4 * log(attentionReceived(by: linear("key"), from: linear("query")))
}

/// What is trained to be small.
func oddOneOutLoss(_ g: GraphBuilder) -> Tensor { crossEntropy(logits(g), g.input("odd", .i32, ["B"])) }

/// Trains on sets and their odd ones, where a rotation hides the attributes.
func learnAttribute(_ laboratory: Laboratory) throws {
  let learner = try Learner(
    learningRate: .cosine(from: 1e-2, to: 1e-4, over: laboratory.short(200, full: 600)), clippingNorm: 1, loss: oddOneOutLoss
  ) {
    [logits($0)]
  }
  for seed in laboratory.seeds {
    var numbers = SeededGenerator(seed: 100 + seed)
    let mixing = ObjectSet.mixing(using: &numbers)
    /// Sets whose odd one has another first attribute. A rotation mixes all attributes.
    func batch(_ count: Int, of size: Int, _ numbers: inout SeededGenerator) throws -> [String: NDArray] {
      let sets = (0..<count).map { _ in ObjectSet(size, noise: 0.2, attribute: 0, using: &numbers).mixed(mixing) }
      return try ObjectSet.batch(sets).merging(["odd": NDArray(sets.map { Int32($0.odd) })]) { $1 }
    }
    func accuracy(_ model: TrainedModel, of size: Int) throws -> Double {
      var numbers = SeededGenerator(seed: 200 + seed)
      let inputs = try batch(400, of: size, &numbers)
      let found = try model(["objects": inputs["objects"]!]).doubles()
      let odd = try inputs["odd"]!.ints()
      return mean(
        odd.indices.map { set in
          let row = found[set * size..<(set + 1) * size]
          return row.indices.max { row[$0] < row[$1] }! - row.startIndex == odd[set] ? 1 : 0
        })
    }
    let untrained = try learner.train(steps: 0, seed: seed) { _ in [:] }.model
    laboratory.measure("before", try accuracy(untrained, of: 8))
    let model = try learner.train(steps: laboratory.short(200, full: 600), seed: seed) { _ in try batch(64, of: 8, &numbers) }.model
    laboratory.measure("learned", try accuracy(model, of: 8))
    laboratory.measure("larger", try accuracy(model, of: 32))
  }
}

import Heed

/// Logistic regression on the bases by position, or on how often each triple of bases occurs.
private func regression(_ g: GraphBuilder, length: Int, onTriples: Bool) -> Tensor {
  let bases = g.input("bases", .i32, ["B", length])
  guard onTriples else { return Linear("map", in: g, inputs: 4 * length, outputs: 1)(bases.oneHot(4).reshape(["B", 4 * length])) }
  let triples = bases[.all, .range(0, length - 2)] * 16 + bases[.all, .range(1, length - 1)] * 4 + bases[.all, .range(2, length)]
  return Linear("map", in: g, inputs: 64, outputs: 1)(triples.oneHot(64).sum(1))
}

/// The same network beside logistic regression, on 106 real sequences in ten folds.
func compareOnRealPromoters(_ laboratory: Laboratory) throws {
  let sequences = try Sequences.real()
  let steps = 100
  let kinds: [(GraphBuilder) -> Tensor] = [
    { promoterModel($0, length: 57, hasPositions: true).logit }, { regression($0, length: 57, onTriples: false) },
    { regression($0, length: 57, onTriples: true) },
  ]
  func accuracy(_ learner: Learner, seed: Int, folds: Int = 10) throws -> Double {
    var right = 0
    var asked = 0
    for (number, fold) in sequences.folds(seed: seed).prefix(folds).enumerated() {
      let training = sequences.bases.indices.filter { !fold.contains($0) }
      let model = try learner.train(steps: steps, seed: 100 * seed + number) { step in
        var numbers = SeededGenerator(seed: 10_000 * seed + 1000 * number + step)
        return try sequences[training.shuffled(using: &numbers).prefix(32).sorted()].inputs()
      }.model
      let logits = try model(["bases": NDArray(fold.map { sequences.bases[$0] })])["logit"]!.doubles()
      right += zip(logits, fold).count { ($0 > 0) == sequences.isPromoter[$1] }
      asked += fold.count
    }
    return Double(right) / Double(asked)
  }
  // Each has the best of three learning rates, chosen with folds of their own.
  let learners = try kinds.map { kind in
    let tried = try [1e-3, 3e-3, 1e-2].map { rate in
      let learner = try promoterLearner(rate: rate, steps: steps, weightDecay: 0.1, kind)
      return (learner, accuracy: try accuracy(learner, seed: 100, folds: 3))
    }
    return tried.max { $0.accuracy < $1.accuracy }!.0
  }
  for seed in laboratory.seeds.prefix(laboratory.isShort ? 1 : 5) {
    let found = try learners.map { try accuracy($0, seed: seed) }
    laboratory.say(
      "seed \(seed): attention \(shown(found[0])), regression on bases \(shown(found[1])), on triples \(shown(found[2]))")
    laboratory.measure("real", found[0])
    laboratory.measure("one-hot", found[0] - found[1])
    laboratory.measure("k-mers", found[0] - found[2])
  }
}

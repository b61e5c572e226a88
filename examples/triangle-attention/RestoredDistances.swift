import Heed

private let (learnedCount, batchSize) = (10, 8)

/// Distances of pairs by two layers of each kind, from distances with errors and what says which are known.
private func restored(_ g: GraphBuilder, seesThirdEdge: Bool) -> Tensor {
  let size = TriangleLayer.size
  var pairs = Linear("lift", in: g, inputs: 2, outputs: size)(g.input("pairs", .f32, ["B", "N", "N", 2]))
  for number in 0..<2 {
    g.scope("blocks.\(number)") {
      for (name, node) in [("starting", TriangleLayer.Node.starting), ("ending", .ending)] {
        pairs += TriangleLayer(name, in: g).around(node, pairs, seesThirdEdge: seesThirdEdge)
      }
      pairs += FeedForward("mlp", in: g, size: size, hiddenSize: 2 * size)(LayerNorm("norm", in: g, size: size)(pairs))
    }
  }
  let distances = softplus(Linear("distance", in: g, inputs: size, outputs: 1)(LayerNorm("last", in: g, size: size)(pairs)))
  return (distances + distances.transposed(0, 2, 1, 3)).squeezingDimension(3)
}

/// Three in ten distances are missing, and the others have errors of 0.05.
private func puzzles(_ count: Int, seed: Int) throws -> (inputs: [String: NDArray], truth: [Distances], isKnown: [[Double]]) {
  var random = SeededGenerator(seed: seed)
  var (truth, isKnown, features): ([Distances], [[Double]], [Float]) = ([], [], [])
  for _ in 0..<count {
    let exact = Distances(ofPoints: learnedCount, using: &random)
    var (seen, known) = (exact, Distances(count: learnedCount, exact.numbers.map { _ in 1 }))
    for (i, j) in exact.pairs {
      known[i, j] = Double.random(in: 0..<1, using: &random) < 0.3 ? 0 : 1
      seen[i, j] = known[i, j] * (exact[i, j] + 0.05 * random.normal())
    }
    features += zip(seen.numbers, known.numbers).flatMap { [Float($0), Float($1)] }
    truth.append(exact)
    isKnown.append(known.numbers)
  }
  let shape = [count, learnedCount, learnedCount]
  let inputs = [
    "pairs": try NDArray(features, shape + [2]), "truth": try NDArray(truth.flatMap { $0.numbers.map(Float.init) }, shape),
  ]
  return (inputs, truth, isKnown)
}

/// A model that sees the third edge of each triangle beside one that does not: the same layers, the same attention along rows and columns of
/// pairs, the same data.
func restoreDistances(_ laboratory: Laboratory) throws {
  let steps = laboratory.short(250, full: 400)
  let learners = try [true, false].map { seesThirdEdge in
    try Learner(
      learningRate: .cosine(from: 5e-3, to: 1e-4, over: steps), clippingNorm: 1,
      loss: { g in meanSquaredError(restored(g, seesThirdEdge: seesThirdEdge), g.input("truth", .f32, ["B", "N", "N"])) },
      outputs: { [restored($0, seesThirdEdge: seesThirdEdge)] })
  }
  for seed in laboratory.seeds {
    let test = try puzzles(64, seed: 50_000 + seed)
    let found = try learners.map { learner in
      let model = try learner.train(steps: steps, seed: seed) { try puzzles(batchSize, seed: 10_000 * seed + $0).inputs }.model
      let numbers = try model(["pairs": test.inputs["pairs"]!]).doubles()
      let area = learnedCount * learnedCount
      let restored = test.truth.indices.map { Distances(count: learnedCount, Array(numbers[$0 * area..<($0 + 1) * area])) }
      let errors = test.truth.indices.flatMap { puzzle in
        restored[puzzle].pairs.filter { test.isKnown[puzzle][$0.i * learnedCount + $0.j] == 0 }.map {
          abs(restored[puzzle][$0.i, $0.j] - test.truth[puzzle][$0.i, $0.j])
        }
      }
      return (error: mean(errors), excess: mean(restored.map(\.meanExcess)))
    }
    laboratory.measure("missing", found[0].error / found[1].error)
    laboratory.measure("learned", found[0].excess / found[1].excess)
    laboratory.say(
      "seed \(seed): error of missing distances \(shown(found[0].error)), without the third edge \(shown(found[1].error)); "
        + "excess over detours \(shown(found[0].excess)) and \(shown(found[1].excess))")
  }
}

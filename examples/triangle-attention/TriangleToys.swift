import Foundation
import Heed

/// Distances between points of the unit square, symmetric, as rows of a matrix.
struct Distances {
  let count: Int
  var numbers: [Double]

  init(count: Int, _ numbers: [Double]) { (self.count, self.numbers) = (count, numbers) }

  init(ofPoints count: Int, using random: inout SeededGenerator) {
    let points = (0..<count).map { _ in (x: Double.random(in: 0..<1, using: &random), y: Double.random(in: 0..<1, using: &random)) }
    self.init(count: count, points.flatMap { p in points.map { hypot(p.x - $0.x, p.y - $0.y) } })
  }

  subscript(i: Int, j: Int) -> Double {
    get { numbers[i * count + j] }
    set { (numbers[i * count + j], numbers[j * count + i]) = (newValue, newValue) }
  }

  var pairs: [(i: Int, j: Int)] { (0..<count).flatMap { i in (0..<i).map { (i, $0) } } }

  /// The shortest way from i to j over a third point.
  func detour(_ i: Int, _ j: Int) -> Double { (0..<count).filter { $0 != i && $0 != j }.map { self[i, $0] + self[$0, j] }.min()! }

  /// The largest share of a distance by which it exceeds a detour.
  var largestExcess: Double { pairs.map { max(0, 1 - detour($0, $1) / self[$0, $1]) }.max()! }

  /// By how much distances exceed detours, summed over all triples, of the sum of distances.
  var meanExcess: Double {
    let excess = pairs.map { i, j in
      (0..<count).reduce(0) { $0 + ($1 == i || $1 == j ? 0 : max(0, self[i, j] - self[i, $1] - self[$1, j])) }
    }
    return excess.reduce(0, +) / pairs.reduce(0) { $0 + self[$1.i, $1.j] }
  }

  /// The share of triples in which one edge is longer than the other two together.
  var violations: Double {
    let triples = pairs.flatMap { i, j in (0..<j).map { (self[i, j], self[j, $0], self[i, $0]) } }
    return mean(triples.map { 2 * max($0, $1, $2) > $0 + $1 + $2 ? 1 : 0 })
  }

  /// The lengths of the shortest paths (Floyd 1962, Warshall 1962).
  var shortestPaths: Distances {
    var result = self
    for k in 0..<count {
      for i in 0..<count { for j in 0..<count { result[i, j] = min(result[i, j], result[i, k] + result[k, j]) } }
    }
    return result
  }
}

// MARK: By hand

/// Both kinds of layer with weights set by hand: a pair attends to the third point of its shortest detour. The layer around the starting node
/// reads the first leg there, d(i, k), and that around the ending node the second, d(k, j). Their sum is the new distance. Since k may be i
/// or j, that is no longer than the old one.
private func relaxation() -> Graph {
  Graph("relaxation") { g in
    let d = g.input("distances", .f32, ["N", "N"])
    func leg(_ d: Tensor) -> Tensor {
      let (query, key) = (g.full(["N", "N", 1], -400.0), d.expandingDimension(2))
      let weights = softmax(matmul(query, key.transposed()) - 400 * d.expandingDimension(0))
      return matmul(weights, key).squeezingDimension(2)
    }
    return (leg(d) + leg(d.transposed()).transposed()).named("relaxed")
  }
}

/// Distances between 24 points that were measured up to three times too long.
func relaxDistances(_ laboratory: Laboratory) throws {
  let (program, count, layers) = (try relaxation().compile(), 24, 5)
  for seed in laboratory.seeds {
    var random = SeededGenerator(seed: seed)
    var measured = Distances(ofPoints: count, using: &random)
    for (i, j) in measured.pairs { measured[i, j] *= Double.random(in: 1..<3, using: &random) }
    var relaxed = measured
    for _ in 0..<layers {
      let out = try program(["distances": NDArray(relaxed.numbers.map(Float.init), [count, count])])
      relaxed = Distances(count: count, try out.doubles())
    }
    let shortest = measured.shortestPaths
    laboratory.measure("before", measured.violations)
    laboratory.measure("after", relaxed.largestExcess)
    laboratory.measure("shortest", measured.pairs.map { abs(relaxed[$0, $1] / shortest[$0, $1] - 1) }.max()!)
    guard seed == 1 else { continue }
    func points(_ d: Distances) -> [(x: Double, y: Double)] { d.pairs.map { (d.detour($0, $1), d[$0, $1]) } }
    try laboratory.draw(
      Plot(
        title: "Above the line, a distance is longer than a detour",
        x: Plot.Axis(label: "shortest detour over a third point", range: 0...2),
        y: Plot.Axis(label: "distance", range: 0...3),
        series: [
          Plot.Series(title: "measured", points: points(measured), style: .points),
          Plot.Series(title: "after five layers", points: points(relaxed), style: .points),
          Plot.Series(title: "distance = detour", points: [(0, 0), (2, 2)], style: .dashed),
        ]))
  }
}

// MARK: Learned

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

import Foundation
import Heed

extension Example {
  static let randomWalk = Example(
    name: "random-walk", idea: "Attention among the neighbours of a graph is a random walk: k layers are k steps of it.",
    claims: [
      Claim("powers", "k layers with equal scores are the k-th power of the walk matrix, k = 1 ... 8: difference", .atMost(1e-6)),
      Claim("weighted", "the same, where the scores are logarithms of the edges' weights", .atMost(1e-6)),
      Claim("stationary", "128 layers: each weight is its node's share of all ends of edges, difference", .atMost(1e-6)),
      Claim("hops", "k layers pass gradients between nodes within k hops, and no others, k = 1 ... 5: exceptions", .atMost(0)),
      Claim("harmonic", "walks that end at one of two labelled nodes: members of the club on the right side, of 34", .atLeast(31)),
      Claim("labels", "three layers of attention trained on the same two labels: members on the right side, of 34", .atLeast(31)),
    ],
    graph: { walk(steps: 1) }, run: measure)
}

/// Steps of a walk over a graph with N nodes. Each row of x becomes a mean of the rows of its neighbours, which q and k weigh.
private func walk(steps: Int, columns: Int = count) -> Graph {
  Graph("walk") { g in
    let (q, k) = (g.input("q", .f32, ["N", count]), g.input("k", .f32, ["N", count]))
    let edges = g.input("edges", .bool, ["N", "N"])
    var x = g.input("x", .f32, ["N", columns])
    for _ in 0..<steps {
      x = matmul(softmax(matmul(q, k.transposed()).where(.table(edges), else: -.infinity)), x)
    }
    return x.named("y")
  }
}

private let count = KarateClub.weights.count
private let identity = (0..<count).map { row in (0..<count).map { $0 == row ? 1 : 0 as Double } }

private func array(_ matrix: [[Double]]) throws -> NDArray { try NDArray(matrix.map { $0.map(Float.init) }) }

private func difference(_ a: [Double], _ b: [[Double]]) -> Double { zip(a, b.joined()).map { abs($0 - $1) }.max()! }

private func measure(_ laboratory: Laboratory) throws {
  let weights = KarateClub.weights
  let isEdge = try NDArray(weights.map { $0.map { $0 > 0 } })
  let zeros = NDArray.zeros([count, count])
  // One-hot keys are names; a query that holds the logarithms of the weights of its edges meets each neighbour's weight.
  let logarithms = try array(weights.map { $0.map { $0 > 0 ? log($0) : 0 } })
  for (claim, query, weights) in [
    ("powers", zeros, weights.map { $0.map { $0 > 0 ? 1 : 0 } }), ("weighted", logarithms, weights),
  ] {
    let step = weights.map { row in row.map { $0 / row.reduce(0, +) } }
    var power = identity
    for steps in 1...8 {
      power = product(power, step)
      let y = try walk(steps: steps).compile()(["q": query, "k": array(identity), "edges": isEdge, "x": array(identity)])
      laboratory.measure(claim, difference(try y.doubles(), power))
    }
  }
  let degrees = weights.map { Double($0.count { $0 > 0 }) }
  let shares = degrees.map { $0 / degrees.reduce(0, +) }
  let far = try walk(steps: 128).compile()(["q": zeros, "k": zeros, "edges": isEdge, "x": array(identity)])
  laboratory.measure("stationary", difference(try far.doubles(), Array(repeating: shares, count: count)))

  // Labelled nodes see themselves alone, so walks stay where they first meet one.
  let ending = try NDArray(
    (0..<count).map { row in (0..<count).map { labelled.contains(row) ? $0 == row : weights[row][$0] > 0 } })
  let start = try array((0..<count).map { node in labelled.map { $0 == node ? 1 : 0 } })
  let reached = try walk(steps: 128, columns: 2).compile()(["q": zeros, "k": zeros, "edges": ending, "x": start])
  laboratory.measure("harmonic", Double(right(try reached.doubles())))
  try hops(laboratory)
  try learn(laboratory)
}

private func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
  a.map { row in row.indices.map { column in zip(row, b).map { $0 * $1[column] }.reduce(0, +) } }
}

// MARK: Attention with weights of its own

/// The heads of the two clubs after the split, Mr. Hi and the officer.
private let labelled = [0, 33]
/// Who may listen to whom: members who met, and each member to itself.
private let neighbourhood = KarateClub.weights.enumerated().map { row, weights in
  weights.enumerated().map { $0 == row || $1 > 0 }
}

/// Layers of attention among neighbours, of rows `[B, N, 16]`.
private func network(_ g: GraphBuilder, _ x: Tensor, layers: Int) -> Tensor {
  let mask = Mask.table(g.constant(neighbourhood.flatMap { $0 }, .bool, shape: [count, count]))
  return (0..<layers).reduce(x) { x, layer in
    tanh(MultiHeadAttention("layer\(layer)", in: g, size: 16, headCount: 2)(x, mask: mask))
  }
}

/// Which nodes' features the result of a node depends on: its gradient by all features.
private func hops(_ laboratory: Laboratory) throws {
  for layers in 1...5 {
    let (graph, initializers) = try Graph.withInitializers("hops") { g in
      let x = g.input("x", .f32, [count, count, 16])
      // Copy b of the graph asks for the result of node b.
      let asked = (network(g, x, layers: layers) * g.constant(identity.flatMap { $0 }, .f32, shape: [count, count, 1])).sum()
      let slopes = gradients(of: asked, with: [x])[0]
      return abs(slopes).max(-1)
    }
    let program = try graph.compile()
    for seed in laboratory.seeds {
      let x = try NDArray(stacking: Array(repeating: NDArray.random([count, 16], seed: seed), count: count))
      let parameters = try initializers.arrays(for: graph, seed: UInt64(seed))
      let sizes = try program.load(parameters: parameters)(["x": x]).doubles()
      laboratory.measure("hops", Double(zip(sizes, KarateClub.distances.joined()).count { ($0 != 0) != ($1 <= layers) }))
    }
  }
}

/// Trains on the two labels. Each node has features of its own, a row of a map of one-hot nodes, which are learned as well.
private func learn(_ laboratory: Laboratory) throws {
  func logits(_ g: GraphBuilder) -> Tensor {
    let features = g.initialize(g.parameter("features", .f32, [1, count, 16]), .xavierUniform())
    return Linear("head", in: g, inputs: 16, outputs: 2)(network(g, features, layers: 3)).reshape([count, 2])
  }
  let learner = try Learner(learningRate: 3e-3, clippingNorm: 1) { g in
    crossEntropy(logits(g).gather(g.constant(labelled, .i32)), g.constant([0, 1], .i32))
  } outputs: { g in
    [softmax(logits(g))]
  }
  var sum = [Double](repeating: 0, count: 2 * count)
  for seed in laboratory.seeds {
    let sides = try learner.train(steps: 200, seed: seed) { _ in [:] }.model([:]).doubles()
    laboratory.measure("labels", Double(right(sides)))
    sum = zip(sum, sides).map(+)
  }
  try laboratory.draw(KarateClub.diagram(sides: sum.map { $0 / Double(laboratory.seeds.count) }, labelled: labelled))
}

/// How many members the numbers of two sides, `[N, 2]`, put into their own club.
private func right(_ sides: [Double]) -> Int {
  (0..<count).count { (sides[2 * $0] > sides[2 * $0 + 1]) == KarateClub.isOfMrHi[$0] }
}

import Foundation
import Heed

extension Example {
  static let triangleAttention = Example(
    name: "triangle-attention", idea: "What two points are to each other is updated through every third point.",
    claims: [
      Claim("forward", "f32 against plain loops in double precision: largest error, of the largest result", .atMost(1e-5)),
      Claim("backward", "the same of the gradients of pairs and parameters", .atMost(1e-5)),
      Claim("double", "both in f64", .atMost(1e-12)),
      Claim("before", "distances with errors: share of triples against the triangle inequality", .atLeast(0.1)),
      Claim("after", "after five layers with weights set by hand: largest excess over a detour, of the distance", .atMost(0.01)),
      Claim("shortest", "their result against shortest paths (Floyd and Warshall): largest relative difference", .atMost(0.02)),
      Claim(
        "missing", "trained to restore distances: error of those that are missing, of that without the third edge", .atMost(0.8)),
      Claim("learned", "excess over detours after training, of that without the third edge", .atMost(0.5)),
    ],
    graph: {
      Graph("triangle") { g in TriangleLayer("starting", in: g).around(.starting, g.input("pairs", .f32, ["B", "N", "N", 16])) }
    },
    run: measure)
}

/// Attention of a pair (i, j) to the other edges of its triangles (i, j, k). Jumper and others, "Highly accurate protein structure prediction
/// with AlphaFold", 2021, algorithms 13 and 14.
struct TriangleLayer {
  static let (size, heads) = (16, 2)

  /// The node that the pair shares with those that it attends to: (i, j) to (i, k), or to (k, j).
  enum Node { case starting, ending }

  let norm: LayerNorm
  let query, key, value, bias, gate, output: Linear

  init(_ name: String, in g: GraphBuilder, element: ElementType = .f32) {
    func linear(_ part: String, _ outputs: Int = Self.size, hasBias: Bool = false) -> Linear {
      Linear("\(name).\(part)", in: g, inputs: Self.size, outputs: outputs, hasBias: hasBias, element: element)
    }
    norm = LayerNorm("\(name).norm", in: g, size: Self.size, element: element)
    (query, key, value) = (linear("query"), linear("key"), linear("value"))
    (bias, gate, output) = (linear("bias", Self.heads), linear("gate", hasBias: true), linear("output", hasBias: true))
  }

  /// `[B, N, N, size]` to the same shape.
  /// - Parameter seesThirdEdge: whether the third edge of a triangle, (j, k) or (k, i), biases its score.
  func around(_ node: Node, _ pairs: Tensor, seesThirdEdge: Bool = true) -> Tensor {
    // The pairs that end in a node start there in the transposed matrix.
    let z = norm(node == .starting ? pairs : pairs.transposed(0, 2, 1, 3))
    func perHead(_ x: Tensor) -> Tensor { x.splittingHeads(Self.heads) }
    let (q, k, v) = (perHead(query(z)), perHead(key(z)), perHead(value(z)))
    var scores = matmul(q, k.transposed()) / Double(Self.size / Self.heads).squareRoot()
    // That of (j, k) serves all i: [B, j, k, head] as [B, 1, head, j, k].
    if seesThirdEdge { scores += bias(z).transposed(0, 3, 1, 2).expandingDimension(1) }
    let attended = matmul(softmax(scores), v).mergingHeads()
    let result = output(sigmoid(gate(z)) * attended)
    return node == .starting ? result : result.transposed(0, 2, 1, 3)
  }
}

// MARK: Measuring

private func measure(_ laboratory: Laboratory) throws {
  for seed in laboratory.seeds {
    for element in [ElementType.f32, .f64] {
      let (forward, backward) = try errors(element, seed: seed)
      guard element == .f32 else {
        laboratory.measure("double", max(forward, backward))
        continue
      }
      laboratory.measure("forward", forward)
      laboratory.measure("backward", backward)
    }
  }
  try relaxDistances(laboratory)
  try restoreDistances(laboratory)
}

/// Both kinds of layer after each other, and the gradients of a random sum of what they return, beside the same in plain loops.
private func errors(_ element: ElementType, seed: Int) throws -> (forward: Double, backward: Double) {
  let (graph, initializers) = try Graph.withInitializers("check") { g in
    // Norms and biases too are random, so that each counts.
    for pattern in ["*.norm.*", "*.bias"] as [NamePattern] { g.initializers[pattern] = .normal() }
    let (pairs, r) = (g.input("pairs", element, [1, "N", "N", 16]), g.input("r", element, [1, "N", "N", 16]))
    let middle = pairs + TriangleLayer("starting", in: g, element: element).around(.starting, pairs)
    let result = (middle + TriangleLayer("ending", in: g, element: element).around(.ending, middle)).named("result")
    return [result] + gradients(of: (result * r).sum(), with: [pairs] + g.parameters)
  }
  let weights = try initializers.arrays(for: graph, seed: UInt64(seed))
  let count = 7 + seed
  let inputs = ["pairs", "r"].enumerated().map {
    NDArray.random([1, count, count, 16], seed: 10 * seed + $0.offset, element: element)
  }
  let found = try graph.compile().load(parameters: weights)(["pairs": inputs[0], "r": inputs[1]])

  let numbers = try weights.mapValues { try $0.converted(to: .f64).doubles() }
  let layers = [
    TriangleReference("starting", isEnding: false, numbers, count), TriangleReference("ending", isEnding: true, numbers, count),
  ]
  var z = try inputs[0].converted(to: .f64).doubles()
  for layer in layers { z = zip(z, layer.forward(z)).map { $0 + $1 } }
  var slope = try inputs[1].converted(to: .f64).doubles()
  for layer in layers.reversed() { slope = zip(slope, layer.backward(slope)).map { $0 + $1 } }

  func error(_ name: String, _ expected: [Double]) throws -> Double {
    let pairs = zip(try found[name]!.doubles(), expected)
    return pairs.map { abs($0 - $1) }.max()! / expected.map(abs).max()!
  }
  var backward = [try error("gradient.pairs", slope)]
  for layer in layers { for (name, gradient) in layer.gradients { backward.append(try error("gradient.\(name)", gradient)) } }
  precondition(backward.count == 1 + weights.count, "a gradient that is not compared")
  return (try error("result", z), backward.max()!)
}

import Foundation
import Heed

extension Example {
  static let oddOneOut = Example(
    name: "odd-one-out", idea: "The odd one out is the one that receives the least attention from the others.",
    claims: [
      Claim("told", "8 objects, the attribute is told: sets solved by lowest incoming attention (chance 0.125)", .atLeast(0.95)),
      Claim(
        "farthest", "the same by the largest distance from the mean of the set", .atMost(0.6),
        exception: "with few attributes, one that differs in one of them is often the farthest in all"),
      Claim("before", "the attribute is hidden in mixed features: sets solved before training", .atMost(0.35)),
      Claim("learned", "after training", .atLeast(0.9)),
      Claim("larger", "trained with 8 objects, sets of 32 solved (chance 0.031)", .atLeast(0.85)),
      Claim("needle", "one odd object of thousands is found", .atLeast(1)),
      Claim("matrices", "buffers of N x N elements in the program and in that of its gradient", .atMost(0)),
      Claim("memory", "exponent of their memory against N, 1k ... 1M", .atMost(1.01)),
    ],
    graph: { judge() }, run: measure)
}

/// How much attention each object receives from the others, for each attribute: a head compares objects by one attribute alone.
private func judge() -> Graph {
  Graph("judge") { g in
    let objects = g.input("objects", .f32, ["B", "N", Extent(ObjectSet.attributes * ObjectSet.values)])
    let heads = objects.splittingHeads(ObjectSet.attributes)
    let incoming = attentionReceived(by: heads, from: heads).named("incoming")
    return [incoming, incoming.argMin(-1).named("odd")]
  }
}

/// The sum over queries of the weights: `[..., N, width]` to `[..., N]`. No object attends to itself, or the odd one would keep itself company.
func attentionReceived(by keys: Tensor, from queries: Tensor) -> Tensor {
  weights(of: queries, to: keys).sum(-2)
}

private func weights(of queries: Tensor, to keys: Tensor) -> Tensor {
  let scores = 4 * matmul(queries, keys.transposed())
  return softmax(scores.where(Mask { $0.query != $0.key }, else: -.infinity))
}

// MARK: Measuring

private func measure(_ laboratory: Laboratory) throws {
  let program = try judge().compile()
  /// The share of the sets that are solved, each by the head of its attribute.
  func accuracy(_ sets: [ObjectSet]) throws -> Double {
    let found = try program(ObjectSet.batch(sets))["odd"]!.ints()
    return mean(sets.indices.map { found[$0 * ObjectSet.attributes + sets[$0].attribute] == sets[$0].odd ? 1 : 0 })
  }
  let count = laboratory.short(300, full: 1000)
  for seed in laboratory.seeds {
    var numbers = SeededGenerator(seed: seed)
    let sets = (0..<count).map { _ in ObjectSet(8, noise: 0.2, using: &numbers) }
    laboratory.measure("told", try accuracy(sets))
    laboratory.measure("farthest", mean(sets.map { $0.farthest == $0.odd ? 1 : 0 }))
    let haystack = ObjectSet(laboratory.short(4096, full: 16384), noise: 0.1, using: &numbers)
    laboratory.measure("needle", try accuracy([haystack]))
  }
  try learnAttribute(laboratory)
  try inspect(laboratory, program)
  try drawCurves(laboratory, accuracy)
  try drawWeights(laboratory)
}

/// What the compiled programs store.
private func inspect(_ laboratory: Laboratory, _ program: CompiledGraph) throws {
  let gradient = try Graph(building: "gradient") { g in gradients(of: oddOneOutLoss(g), with: g.parameters) }.compile()
  for program in [program, gradient] {
    /// Whether the number of elements grows with the square of N.
    func isMatrix(_ type: TensorType) -> Bool {
      type.shape.count.terms.contains { term in term.factors.count { $0 != .symbol("B") } > 1 }
    }
    laboratory.measure("matrices", Double(program.program.buffers.count { isMatrix($0.type) }))
    let lengths = (10...20).map { 1 << $0 }
    let bytes = try lengths.map { Double(try program.memoryPlan(sizes: ["B": 1, "N": $0]).total) }
    laboratory.measure("memory", exponent(lengths.map(Double.init), bytes))
    laboratory.say(
      "\(program.graph.name): kernels \(program.program.kernels.map(\.name.text).joined(separator: ", ")); \(shown(bytes.last! / 1024 / 1024)) MiB for a million objects"
    )
  }
}

// MARK: Pictures

private func drawCurves(_ laboratory: Laboratory, _ accuracy: ([ObjectSet]) throws -> Double) throws {
  var numbers = SeededGenerator(seed: 1)
  var points: [String: [(x: Double, y: Double)]] = [:]
  for noise in stride(from: 0, through: 1, by: 0.1) {
    let sets = (0..<laboratory.short(200, full: 1000)).map { _ in ObjectSet(8, noise: noise, using: &numbers) }
    points["least incoming attention", default: []].append((noise, try accuracy(sets)))
    points["farthest from the mean", default: []].append((noise, mean(sets.map { $0.farthest == $0.odd ? 1 : 0 })))
    points["chance", default: []].append((noise, 1 / 8))
  }
  try laboratory.draw(
    Plot(
      title: "Noise hides the odd one of 8 objects, from attention last", x: Plot.Axis(label: "noise of the features (deviation)"),
      y: Plot.Axis(label: "sets solved", range: 0...1.02),
      series: ["least incoming attention", "farthest from the mean", "chance"].map {
        Plot.Series(title: $0, points: points[$0]!, style: $0 == "chance" ? .dashed : .linespoints)
      }, key: "top right"), "noise")
}

/// The weights of one set, and their sums. Here they are stored, to be drawn.
private func drawWeights(_ laboratory: Laboratory) throws {
  var numbers = SeededGenerator(seed: 4)
  let set = ObjectSet(8, noise: 0.1, attribute: 0, using: &numbers)
  let graph = Graph("weights") { g in
    let colours = g.input("objects", .f32, ["B", "N", Extent(ObjectSet.attributes * ObjectSet.values)])[
      .all, .all, 0..<ObjectSet.values]
    return weights(of: colours, to: colours)
  }
  let rows = try graph.compile()(ObjectSet.batch([set])).doubles()
  let matrix = (0..<8).map { row in Array(rows[row * 8..<(row + 1) * 8]) }
  let sums = (0..<8).map { column in matrix.reduce(0) { $0 + $1[column] } }
  try laboratory.draw(
    HeatMap(
      title: "Compared by colour, the \(set.names[set.odd]) is lonely", values: matrix, rows: set.names,
      columns: zip(set.names, sums).map { "\($0): \(String(format: "%.2f", $1))" }, rowLabel: "from",
      columnLabel: "to: sum of what is received", scale: "attention"))
}

import Foundation
import Heed

extension Example {
  static let patterns = Example(
    name: "patterns", idea: "What a mask rules out costs nothing: attention in linear time, and none in quadratic memory.",
    claims: Pattern.all.map {
      Claim(
        "time \($0.name)", "\($0.title): exponent of time against N", .between($0.exponent - 0.1, $0.exponent + 0.1),
        exception: $0.exception)
    }
      + Pattern.all.map { Claim("memory \($0.name)", "\($0.title): exponent of memory against N", .atMost(1.001)) } + [
        Claim("features", "exponent of the error of random features against their number", .between(-0.6, -0.4), of: .mean),
        Claim(
          "approximation", "error of 1024 random features, of the result", .atMost(0.1),
          exception: "0.1 is about the mean of the seeds, which lie on both sides of it"),
      ],
    graph: { Pattern.all.first { $0.name == "window" }!.graph() }, run: measure)
}

/// Which queries meet which keys, and how time grows with their number.
private struct Pattern: Sendable {
  let name: String
  let title: String
  /// The exponent that is claimed of time.
  let exponent: Double
  /// Why time grows otherwise, where it does.
  var exception: String? {
    name == "blocks" ? "whether a block is chosen is asked of every one of N^2 / 128^2, which shows at 64k" : nil
  }
  let attend: @Sendable (GraphBuilder, _ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor

  static let width = 32

  static let all = [
    masked("dense", "all pairs", exponent: 2) { _ in .all },
    masked("causal", "causal", exponent: 2) { _ in .causal() },
    masked("window", "window of 128 to both sides", exponent: 1) { _ in .slidingWindow(before: 128, after: 128) },
    masked("global", "the same and 16 global tokens", exponent: 1) { _ in
      .slidingWindow(before: 128, after: 128) | .queries(below: 16) | .keys(below: 16)
    },
    masked("dilated", "every fourth key up to 512 away", exponent: 1) { _ in .dilatedSlidingWindow(reach: 512, dilation: 4) },
    // The number of blocks of a query is fixed: stated is the exponent 1, of what is attended to.
    masked("blocks", "4 random blocks of 128 keys for each 128 queries", exponent: 1) { g in
      .chosenBlocks(g.input("chosen", .i32, ["ceil(N/128)", 4]), blockSize: 128)
    },
    Pattern(name: "linear", title: "linear attention", exponent: 1) { _, q, k, v in linearAttention(positive(q), positive(k), v) },
    Pattern(name: "chunked", title: "causal linear attention, in chunks", exponent: 1) { _, q, k, v in
      linearAttention(positive(q), positive(k), v, causal: true)
    },
  ]

  private static func masked(
    _ name: String, _ title: String, exponent: Double, _ mask: @escaping @Sendable (GraphBuilder) -> Mask
  ) -> Pattern {
    Pattern(name: name, title: title, exponent: exponent) { g, q, k, v in
      let scores = matmul(q, k.transposed()) / Double(width).squareRoot()
      return matmul(softmax(scores.where(mask(g), else: -.infinity)), v)
    }
  }

  func graph() -> Graph {
    Graph(name) { g in
      func rows(_ name: String) -> Tensor { g.input(name, .f32, [1, "N", Extent(Self.width)]) }
      return attend(g, rows("q"), rows("k"), rows("v")).named("out")
    }
  }

  /// The longest length that is timed: quadratic ones take seconds there.
  var longest: Int { exponent > 1 ? 1 << 16 : 1 << 18 }
}

/// elu(x) + 1 (Katharopoulos and others 2020).
private func positive(_ x: Tensor) -> Tensor { exp(minimum(x, 0)) + maximum(x, 0) }

/// Random blocks of keys for each block of queries.
private func chosen(_ length: Int) throws -> [String: NDArray] {
  let blocks = length / 128
  var random = SeededGenerator(seed: length)
  return ["chosen": try NDArray((0..<4 * blocks).map { _ in Int32.random(in: 0..<Int32(blocks), using: &random) }, [blocks, 4])]
}

// MARK: Measuring

private func measure(_ laboratory: Laboratory) throws {
  var (times, memory): ([Plot.Series], [Plot.Series]) = ([], [])
  for pattern in Pattern.all {
    let program = try pattern.graph().compile(CompileOptions(threads: 1))
    let lengths = (10...18).map { 1 << $0 }
    let bytes = try lengths.map { (x: Double($0), y: Double(try program.memoryPlan(sizes: ["N": $0]).total)) }
    laboratory.measure("memory \(pattern.name)", exponent(bytes.map(\.x), bytes.map(\.y)))
    memory.append(Plot.Series(title: pattern.title, points: bytes.map { ($0.x, $0.y / 1024 / 1024) }))

    let costs = try laboratory.isShort ? operations(pattern, program) : seconds(pattern, program)
    let fitted = costs.suffix(4)
    laboratory.measure("time \(pattern.name)", exponent(fitted.map(\.x), fitted.map(\.y)))
    times.append(Plot.Series(title: pattern.title, points: costs))
  }
  let x = Plot.Axis(label: "N", isLogarithmic: true)
  try laboratory.draw(
    Plot(
      title: "What a mask leaves out takes no time: N queries, N keys, width 32", x: x,
      y: Plot.Axis(label: laboratory.isShort ? "operations" : "seconds of one core", isLogarithmic: true), series: times,
      key: "below maxcols 2"), "time")
  try laboratory.draw(
    Plot(
      title: "No pattern takes memory in proportion to N x N (arguments, result, all between)", x: x,
      y: Plot.Axis(label: "MiB", isLogarithmic: true), series: memory,
      key: "below maxcols 2"), "memory")
  try approximateByRandomFeatures(laboratory)
}

/// Processor time of one thread, the best of several calls.
private func seconds(_ pattern: Pattern, _ program: CompiledGraph) throws -> [(x: Double, y: Double)] {
  try sequence(first: 1 << 10) { $0 < pattern.longest ? $0 * 2 : nil }.map { length in
    var inputs = pattern.name == "blocks" ? try chosen(length) : [:]
    for (seed, name) in ["q", "k", "v"].enumerated() { inputs[name] = .random([1, length, Pattern.width], seed: seed) }
    let rounds = pattern.exponent > 1 ? max(1, min(9, (1 << 16) / length)) : 9
    return (Double(length), try bestTimes(rounds: rounds, [{ _ = try program(inputs) }])[0])
  }
}

/// What Heed counts: the pairs that a mask leaves to attention, and the operations of linear attention.
private func operations(_ pattern: Pattern, _ program: CompiledGraph) throws -> [(x: Double, y: Double)] {
  try (11...13).map { 1 << $0 }.map { length in
    let tables = pattern.name == "blocks" ? try chosen(length) : [:]
    let pairs = try program.attendedPairs(sizes: ["N": length], tables: tables)
    guard pairs == 0 else { return (Double(length), pairs) }
    var inputs: [String: NDArray] = [:]
    for (seed, name) in ["q", "k", "v"].enumerated() { inputs[name] = .random([1, length, Pattern.width], seed: seed) }
    return (Double(length), try program.timed(inputs).timings.reduce(0) { $0 + Double($1.flops) })
  }
}

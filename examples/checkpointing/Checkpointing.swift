import Foundation
import Heed

extension Example {
  static let checkpointing = Example(
    name: "checkpointing", idea: "Gradients without the attention matrix: what is not kept is computed again.",
    claims: [
      Claim("stored", "exponent of the memory of attention's gradients against N where weights are kept", .between(1.9, 2.05)),
      Claim("recomputed", "the same where they are computed again", .atMost(1.01)),
      Claim("process", "what a call takes of the process, of what the plan says", .between(0.8, 1.2)),
      Claim("time", "time of gradients that recompute, of that of stored weights, N = 2048", .atMost(1.4)),
      Claim("bits", "8 layers in checkpoints: elements of gradients whose bits differ", .between(0, 0)),
      Claim("layers", "memory of 8 layers in checkpoints, of that without, weights kept", .atMost(0.35)),
      Claim("fused layers", "the same, attention fused", .atMost(0.6)),
      Claim("layer time", "time of 8 layers in checkpoints, of that without, attention fused", .atMost(1.5)),
      Claim("limit", "8 layers under a limit of half of what they take: memory, of the limit", .atMost(1)),
    ],
    graph: gradient, run: measure)
}

private let (width, size, heads) = (32, 64, 4)

/// The gradients of attention by queries, keys and values.
private func gradient() -> Graph {
  Graph("gradient") { g in
    let inputs = ["q", "k", "v"].map { g.input($0, .f32, ["N", Extent(width)]) }
    let weights = softmax(matmul(inputs[0], inputs[1].transposed()) / Double(width).squareRoot())
    let loss = (matmul(weights, inputs[2]) * g.input("r", .f32, ["N", Extent(width)])).sum()
    return gradients(of: loss, with: inputs)
  }
}

/// Heed computes attention's weights again, tile by tile. To keep them, its fusion is left out.
private func keepingWeights() -> CompileOptions {
  CompileOptions(pipeline: PassPipeline(PassPipeline.standardPasses.filter { $0.name != "fuse-attention" }))
}

private func arguments(_ length: Int) -> [String: NDArray] {
  var arrays: [String: NDArray] = [:]
  for (seed, name) in ["q", "k", "v", "r"].enumerated() { arrays[name] = .random([length, width], seed: seed) }
  return arrays
}

// MARK: Measuring

private func measure(_ laboratory: Laboratory) throws {
  let kinds = [(name: "stored", options: keepingWeights()), (name: "recomputed", options: CompileOptions())]
  let programs = try kinds.map { try gradient().compile($0.options) }
  let lengths = (9...14).map { 1 << $0 }
  var series: [Plot.Series] = []
  for ((name, options), program) in zip(kinds, programs) {
    let plans = try lengths.map { (x: Double($0), y: Double(try program.memoryPlan(sizes: ["N": $0]).total)) }
    laboratory.measure(name, exponent(plans.map(\.x), plans.map(\.y)))
    series.append(Plot.Series(title: "\(name), planned", points: plans.map { ($0.x, $0.y / 1024 / 1024) }, style: .lines))
    var found: [(x: Double, y: Double)] = []
    for length in name == "stored" ? [2048, 4096] : [16384, 32768] {
      let plan = try program.memoryPlan(sizes: ["N": length])
      // Other tests of a process disturb its peak: the short form adds up the buffers that are in use at the fullest moment.
      let taken =
        try laboratory.isShort
        ? plan.results + plan.largest.reduce(0) { $0 + $1.byteCount } : peak(gradient().compile(options), arguments(length))
      laboratory.measure("process", Double(taken) / Double(plan.workspace + plan.results))
      found.append((Double(length), Double(taken + plan.inputs) / 1024 / 1024))
    }
    series.append(Plot.Series(title: "\(name), the process", points: found, style: .points))
  }
  let inputs = arguments(2048)
  laboratory.measure("time", try cost(laboratory, programs.map { program in { try program.timed(inputs).timings } }))
  try laboratory.draw(
    Plot(
      title: "Gradients of attention, width 32", x: Plot.Axis(label: "N", isLogarithmic: true),
      y: Plot.Axis(label: "memory (MiB)", isLogarithmic: true), series: series))
  try measureLayers(laboratory)
}

/// The bytes that the first call of a program adds to the process at its fullest. It keeps its workspace for the next call.
private func peak(_ program: CompiledGraph, _ inputs: [String: NDArray]) throws -> Int {
  PeakMemory.releaseFreed()
  let before = try PeakMemory.now()
  try PeakMemory.reset()
  _ = try program(inputs)
  return try PeakMemory.most() - before
}

/// The time of the second call, of that of the first; in the short form their operations, as Heed counts them.
private func cost(_ laboratory: Laboratory, _ calls: [() throws -> [StepTiming]]) throws -> Double {
  let costs =
    laboratory.isShort
    ? try calls.map { try $0().reduce(0) { $0 + Double($1.flops) } }
    : try bestTimes(rounds: 5, calls.map { call in { _ = try call() } })
  return costs[1] / costs[0]
}

// MARK: Layers

/// The gradients of all weights of layers of a transformer.
private func layers(_ count: Int, checkpoints: Bool) -> (graph: Graph, initializers: Initializers) {
  var initializers = Initializers()
  let graph = Graph("layers") { g in
    var x = g.input("x", .f32, ["N", Extent(size)])
    for number in 0..<count {
      func layer() -> Tensor {
        g.scope("layers.\(number)") {
          let attention = MultiHeadAttention("attention", in: g, size: size, headCount: heads)
          let attended = x + attention(LayerNorm("norm1", in: g, size: size)(x))
          let feedForward = FeedForward("mlp", in: g, size: size, hiddenSize: 4 * size)
          return attended + feedForward(LayerNorm("norm2", in: g, size: size)(attended))
        }
      }
      x = checkpoints ? g.checkpoint(layer) : layer()
    }
    initializers = g.initializers
    return gradients(of: (x * g.input("r", .f32, ["N", Extent(size)])).sum(), with: g.parameters)
  }
  return (graph, initializers)
}

private func measureLayers(_ laboratory: Laboratory) throws {
  let length = laboratory.short(256, full: 1024)
  // Plans cost nothing: they are of the same length in both forms.
  func memory(_ program: CompiledGraph) throws -> Double { Double(try program.memoryPlan(sizes: ["N": 1024]).total) }
  let models = [false, true].map { layers(8, checkpoints: $0) }
  let stored = try models.map { try memory($0.graph.compile(keepingWeights())) }
  let fused = try models.map { try $0.graph.compile() }
  laboratory.measure("layers", stored[1] / stored[0])
  laboratory.measure("fused layers", try memory(fused[1]) / memory(fused[0]))

  let half = Int(try memory(fused[0]) / 2)
  let limited = try models[0].graph.compile(CompileOptions(memoryLimit: MemoryLimit(half, sizes: ["N": 1024])))
  laboratory.measure("limit", try memory(limited) / Double(half))

  for seed in laboratory.seeds {
    let weights = try models[0].initializers.arrays(for: models[0].graph, seed: UInt64(seed))
    let loaded = try fused.map { try $0.load(parameters: weights) }
    let inputs = ["x": NDArray.random([length, size], seed: 2 * seed), "r": NDArray.random([length, size], seed: 2 * seed + 1)]
    let found = try loaded.map { program in
      let out = try program(inputs)
      return try out.names.flatMap { try out[$0]!.floats().map(\.bitPattern) }
    }
    laboratory.measure("bits", Double(zip(found[0], found[1]).count { $0 != $1 }))
    if seed == 1 {
      laboratory.measure("layer time", try cost(laboratory, loaded.map { program in { try program.timed(inputs).timings } }))
    }
  }
  try drawLayers(laboratory, 1024)
}

private func drawLayers(_ laboratory: Laboratory, _ length: Int) throws {
  guard laboratory.folder != nil else { return }
  let kinds = [
    ("weights kept", false, true), ("weights kept, checkpoints", true, true), ("attention fused", false, false),
    ("attention fused, checkpoints", true, false),
  ]
  let series = try kinds.map { title, checkpoints, keeps in
    let points = try [1, 2, 4, 8, 12].map { count in
      let lowered = try layers(count, checkpoints: checkpoints).graph.lowered(keeps ? keepingWeights() : CompileOptions())
      return (x: Double(count), y: Double(try lowered.memoryPlan(sizes: ["N": length]).total) / 1024 / 1024)
    }
    return Plot.Series(title: title, points: points)
  }
  try laboratory.draw(
    Plot(
      title: "Gradients of all weights, \(length) tokens of width \(size)", x: Plot.Axis(label: "layers"),
      y: Plot.Axis(label: "memory (MiB)", isLogarithmic: true), series: series, key: "bottom right"), "layers")
}

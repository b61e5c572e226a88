import Foundation
import Heed

private let (size, heads) = (64, 4)

/// The gradients of all weights of layers of a transformer.
private func layers(_ count: Int, checkpoints: Bool) throws -> (graph: Graph, initializers: Initializers) {
  try Graph.withInitializers("layers") { g in
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
    return gradients(of: (x * g.input("r", .f32, ["N", Extent(size)])).sum(), with: g.parameters)
  }
}

/// Layers in checkpoints, and under a limit of memory.
func measureCheckpointedLayers(_ laboratory: Laboratory) throws {
  let length = laboratory.short(256, full: 1024)
  // Plans cost nothing: they are of the same length in both forms.
  func memory(_ program: CompiledGraph) throws -> Double { Double(try program.memoryPlan(sizes: ["N": 1024]).total) }
  let models = try [false, true].map { try layers(8, checkpoints: $0) }
  let stored = try models.map { try memory($0.graph.compile(CompileOptions.keepingWeights)) }
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
      laboratory.measure(
        "layer time", try costOfSecond(laboratory, loaded.map { program in { try program.timed(inputs).timings } }))
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
      let lowered = try layers(count, checkpoints: checkpoints).graph.lowered(
        keeps ? CompileOptions.keepingWeights : CompileOptions())
      return (x: Double(count), y: Double(try lowered.memoryPlan(sizes: ["N": length]).total) / 1024 / 1024)
    }
    return Plot.Series(title: title, points: points)
  }
  try laboratory.draw(
    Plot(
      title: "Memory of the gradients of all weights, \(length) tokens of width \(size)", x: Plot.Axis(label: "layers"),
      y: Plot.Axis(label: "memory (MiB)", isLogarithmic: true), series: series, key: "bottom right"), "layers")
}

import Foundation
import Heed

extension Example {
  static let checkpointing = Example(
    name: "checkpointing", idea: "Gradients without the attention matrix: what is not kept is computed again.",
    claims: [
      Claim("stored", "exponent of the memory of attention's gradients against N where weights are kept", .between(1.9, 2.05)),
      Claim("recomputed", "the same where they are computed again", .atMost(1.01)),
      Claim("process", "what a call takes of the process, of what the plan says", .between(0.8, 1.2)),
      Claim("stored process", "exponent of what a call takes of the process, weights kept", .between(1.8, 2.1)),
      Claim("recomputed process", "the same where they are computed again", .atMost(1.1)),
      Claim("time", "time of gradients that recompute, of that of stored weights, N = 2048", .atMost(1.4)),
      Claim("bits", "8 layers in checkpoints: elements of gradients whose bits differ", .between(0, 0)),
      Claim("layers", "memory of 8 layers in checkpoints, of that without, weights kept", .atMost(0.35)),
      Claim("fused layers", "the same, attention fused", .atMost(0.6)),
      Claim("layer time", "time of 8 layers in checkpoints, of that without, attention fused", .atMost(1.5)),
      Claim("limit", "8 layers under a limit of half of what they take: memory, of the limit", .atMost(1)),
    ],
    graph: gradient, run: measure)
}

private let width = 32

/// The gradients of attention by queries, keys and values.
private func gradient() -> Graph {
  Graph("gradient") { g in
    let inputs = ["q", "k", "v"].map { g.input($0, .f32, ["N", Extent(width)]) }
    let weights = softmax(matmul(inputs[0], inputs[1].transposed()) / Double(width).squareRoot())
    let loss = (matmul(weights, inputs[2]) * g.input("r", .f32, ["N", Extent(width)])).sum()
    return gradients(of: loss, with: inputs)
  }
}

extension CompileOptions {
  /// Heed computes attention's weights again, tile by tile. To keep them, its fusion is left out.
  static let keepingWeights = CompileOptions(
    pipeline: PassPipeline(PassPipeline.standardPasses.filter { $0.name != "fuse-attention" }))
}

private func arguments(_ length: Int) -> [String: NDArray] {
  var arrays: [String: NDArray] = [:]
  for (seed, name) in ["q", "k", "v", "r"].enumerated() { arrays[name] = .random([length, width], seed: seed) }
  return arrays
}

// MARK: Measuring

private func measure(_ laboratory: Laboratory) throws {
  let kinds = [(name: "stored", options: CompileOptions.keepingWeights), (name: "recomputed", options: CompileOptions())]
  let programs = try kinds.map { try gradient().compile($0.options) }
  let lengths = (9...15).map { 1 << $0 }
  var series: [Plot.Series] = []
  for ((name, options), program) in zip(kinds, programs) {
    let plans = try lengths.map { (x: Double($0), y: Double(try program.memoryPlan(sizes: ["N": $0]).total)) }
    laboratory.measure(name, exponent(plans.map(\.x), plans.map(\.y)))
    series.append(Plot.Series(title: "\(name), planned", points: plans.map { ($0.x, $0.y / 1024 / 1024) }, style: .lines))
    var found: [(x: Double, y: Double)] = []
    for length in name == "stored" ? [2048, 4096, 8192] : [16384, 32768] {
      let plan = try program.memoryPlan(sizes: ["N": length])
      // Other tests of a process disturb its peak: the short form adds up the buffers that are in use at the fullest moment.
      let taken =
        try laboratory.isShort
        ? plan.results + plan.largest.reduce(0) { $0 + $1.byteCount } : peak(gradient().compile(options), arguments(length))
      laboratory.measure("process", Double(taken) / Double(plan.workspace + plan.results))
      found.append((Double(length), Double(taken + plan.inputs) / 1024 / 1024))
    }
    laboratory.measure("\(name) process", exponent(found.map(\.x), found.map(\.y)))
    series.append(Plot.Series(title: "\(name), the process", points: found, style: .points))
  }
  let inputs = arguments(2048)
  laboratory.measure("time", try costOfSecond(laboratory, programs.map { program in { try program.timed(inputs).timings } }))
  try laboratory.draw(
    Plot(
      title: "Stored weights take memory as N x N, recomputed ones as N (width 32)", x: Plot.Axis(label: "N", isLogarithmic: true),
      y: Plot.Axis(label: "memory (MiB)", isLogarithmic: true), series: series))
  try measureCheckpointedLayers(laboratory)
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
func costOfSecond(_ laboratory: Laboratory, _ calls: [() throws -> [StepTiming]]) throws -> Double {
  let costs =
    laboratory.isShort
    ? try calls.map { try $0().reduce(0) { $0 + Double($1.flops) } }
    : try bestTimes(rounds: 5, calls.map { call in { _ = try call() } })
  return costs[1] / costs[0]
}

internal import HeedCodegen
public import HeedIR
internal import HeedLowering
public import HeedPasses
internal import Logging

/// A graph on its way to native code: optimised, and turned into a program of kernels.
public struct LoweredGraph: Sendable {
  /// The graph after the passes.
  public let graph: Graph
  /// The graph before the passes.
  let source: Graph
  /// What runs, with its kernels.
  public var program: Program { verified.ir }
  /// What the passes and the lowering said.
  public let remarks: Remarks
  /// How each op on attention's scores runs, and why, one line per op: `%out = attention: tiles of 48 x 384, ...`.
  public let schedules: [String]
  /// What the kernels are for.
  public let target: Target
  /// How long the passes took.
  package let passTime: Duration
  let verified: Verified<Program>

  /// The kernels' code as LLVM's text; as it was generated, or optimised.
  /// - Throws: where a kernel needs what the target or code generation lacks.
  public func llvmText(optimized: Bool = true) throws -> String {
    try KernelCompiler(target: target).llvmText(for: verified.kernels, optimized: optimized)
  }

  /// The kernels' code as assembly text.
  /// - Throws: where a kernel needs what the target or code generation lacks.
  public func assembly() throws -> String { try KernelCompiler(target: target).assembly(for: verified.kernels) }
}

extension Graph {
  /// The graph after the passes of `options`, and what these said.
  /// - Throws: the first mistake made in building the graph, or what the verifier finds.
  public func optimized(_ options: CompileOptions = CompileOptions()) throws -> PassPipeline.Outcome {
    _ = try Verified(self)
    return try options.pipeline.run(self, target: options.target, tunedTiles: options.tunedTiles)
  }

  /// The graph after the passes of `options`, as a program of kernels for its target. Nothing is compiled yet.
  /// - Throws: the first mistake made in building the graph, what the verifier finds, or why an op cannot be lowered; where a memory limit
  ///   cannot be met.
  public func lowered(_ options: CompileOptions = CompileOptions()) throws -> LoweredGraph {
    let outcome = try optimized(options)
    let first = try lower(outcome.graph, for: options.target, classifiesOnly: options.classifiesOnly)
    let (graph, lowered, remarks) =
      try options.memoryLimit.map { try within($0, first, outcome.graph.ir, options.target) } ?? (outcome.graph.ir, first, [])
    log.debug("lowered", metadata: ["graph": "\(name)", "kernels": "\(lowered.program.kernels.count)"])
    return LoweredGraph(
      graph: graph, source: self, remarks: Remarks(outcome.remarks + lowered.remarks + remarks),
      schedules: lowered.schedules.map { "%\($0.value) = \($0.op.mnemonic): \($0.schedule)" }, target: options.target,
      passTime: outcome.timings.reduce(.zero) { $0 + $1.duration }, verified: try Verified(lowered.program))
  }
}

let log = Logger(label: "heed")

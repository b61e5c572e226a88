import ArgumentParser
import Heed

/// `heed bench attention`: one attention layer, its mask written in the language of graphs.
struct BenchAttentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attention", abstract: "Measures softmax(q k^T / sqrt(D)) v with a mask on random numbers.")

  @OptionGroup var attention: AttentionArguments
  @Option(help: "forward.") var direction = "forward"
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var target: TargetOption
  @OptionGroup var bench: BenchOptions

  func run() throws {
    guard direction == "forward" else {
      throw HeedError("got --direction \(direction), expected forward: this version compiles no gradients")
    }
    let problem = try attention.problem()
    let program = try problem.graph().compile(target.compileOptions(threads: threads))
    let inputs = try problem.inputs()
    let maximumError = try AttentionReference(problem).maximumError(of: program(inputs)[0], inputs)
    let report = try BenchReport(
      program, probe: RateProbe(problem.element, target: target.value()), reading: [inputs["k"]!, inputs["v"]!],
      flops: problem.flops, bytes: problem.bytes, maximumError: maximumError
    ) { try Stopwatch.calls(of: program, inputs, for: bench.seconds) }
    try bench.finish(report, problem.title, program, inputs, attentionFlops: problem.flops)
  }
}

/// Which attention layer is meant.
struct AttentionArguments: ParsableArguments {
  @Option(help: "The number of sequences.") var batch = 1
  @Option(help: "The number of query heads.") var heads = 8
  @Option(help: "The number of key and value heads, a divisor of the query heads; as many unless given.") var kvHeads: Int?
  @Option(help: "The number of queries.") var queries = 2048
  @Option(help: "The number of keys; as many as queries unless given.") var keys: Int?
  @Option(help: "The components of queries and keys.") var headDim = 64
  @Option(help: "The components of values; as many as those of keys unless given.") var valueDim: Int?
  @Option(help: "none, causal, window:W (causal, W keys back), or document:L (causal in packed documents of L).") var mask = "none"
  @OptionGroup var dtype: ElementOption

  func problem() throws -> AttentionProblem {
    try AttentionProblem(
      batch: batch, heads: heads, keyHeads: kvHeads ?? heads, queries: queries, keys: keys ?? queries, headSize: headDim,
      valueSize: valueDim ?? headDim, mask: AttentionMask(mask), element: dtype.value())
  }
}

import ArgumentParser
import Heed

/// `heed bench attention`: one attention layer, its mask written in the language of graphs.
struct BenchAttentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attention", abstract: "Measures softmax(q k^T / sqrt(D)) v with a mask on random numbers, or its gradients.")

  @OptionGroup var attention: AttentionArguments
  @Option(help: "forward, backward (the gradients of q, k and v alone, given the forward's results) or both.")
  var direction = AttentionDirection.forward
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var target: TargetOption
  @OptionGroup var bench: BenchOptions

  func run() throws {
    try bench.checkFiles()
    let problem = try attention.problem()
    let options = try target.compileOptions(threads: threads)
    let program = try (direction == .forward ? problem.graph() : problem.gradientGraph()).compile(options)
    let inputs = try problem.inputs(withCotangent: direction != .forward)
    let flops = problem.flops(direction)
    let report = try BenchReport(
      program, probe: RateProbe(problem.element, target: target.value()), reading: [inputs["k"]!, inputs["v"]!],
      flops: flops, bytes: problem.bytes(direction), maximumError: try maximumError(program, problem, inputs, options)
    ) { try times(program, inputs) }
    try bench.finish(
      report, "\(problem.title), \(direction.rawValue)", program, inputs,
      attentionFlops: problem.flops(direction == .forward ? .forward : .both))
  }

  private func times(_ program: CompiledGraph, _ inputs: [String: NDArray]) throws -> CallTimes {
    guard direction == .backward else { return try Stopwatch.calls(of: program, inputs, for: bench.seconds) }
    // One program computes both; what the attention itself takes is left out.
    var times: [Double] = []
    _ = try program(inputs)
    _ = try Stopwatch.times(for: bench.seconds) {
      times.append(try program.timed(inputs).timings.filter { $0.op != .attention }.reduce(0) { $0 + $1.seconds })
    }
    return CallTimes(times)
  }

  /// The largest difference of the results from those in double precision: of the output from the interpreter's, of gradients from those of
  /// the same graph compiled for f64, which tests compare with the interpreter's.
  private func maximumError(
    _ program: CompiledGraph, _ problem: AttentionProblem, _ inputs: [String: NDArray], _ options: CompileOptions
  ) throws -> Double {
    let outputs = try program(inputs)
    let ofOutput = try AttentionReference(problem).maximumError(of: outputs[0], inputs)
    guard direction != .forward else { return ofOutput }
    let wide = try problem.withElement(.f64)
    let expected = try wide.gradientGraph().compile(options)(inputs.mapValues { $0.converted(to: .f64) })
    return zip(outputs, expected).dropFirst().reduce(ofOutput) { Swift.max($0, $1.0.largestDifference(from: $1.1)) }
  }
}

/// What of attention is measured.
enum AttentionDirection: String, CaseIterable, ExpressibleByArgument {
  case forward, backward, both
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

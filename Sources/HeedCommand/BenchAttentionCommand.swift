import ArgumentParser
import Heed

/// `heed bench attention`: one attention layer, its mask written in the language of graphs.
struct BenchAttentionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attention", abstract: "Measures softmax(q k^T / sqrt(D)) v with a mask on random numbers.")

  @Option(help: "The number of sequences.") var batch = 1
  @Option(help: "The number of query heads.") var heads = 8
  @Option(help: "The number of key and value heads, a divisor of the query heads; as many unless given.") var kvHeads: Int?
  @Option(help: "The number of queries.") var queries = 2048
  @Option(help: "The number of keys; as many as queries unless given.") var keys: Int?
  @Option(help: "The components of queries and keys.") var headDim = 64
  @Option(help: "The components of values; as many as those of keys unless given.") var valueDim: Int?
  @Option(help: "none, causal, window:W (causal, W keys back), or document:L (causal in packed documents of L).") var mask = "none"
  @Option(help: "f32, f64, f16 or bf16.") var dtype = "f32"
  @Option(help: "forward.") var direction = "forward"
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var target: TargetOption
  @OptionGroup var bench: BenchOptions

  func run() throws {
    guard direction == "forward" else {
      throw HeedError("got --direction \(direction), expected forward: this version compiles no gradients")
    }
    guard let element = ElementType(name: dtype), element.isFloat else {
      throw HeedError("got --dtype \(dtype), expected f32, f64, f16 or bf16")
    }
    let problem = try AttentionProblem(
      batch: batch, heads: heads, keyHeads: kvHeads ?? heads, queries: queries, keys: keys ?? queries, headSize: headDim,
      valueSize: valueDim ?? headDim, mask: AttentionMask(mask), element: element)
    let program = try problem.graph().compile(CompileOptions(target: target.value(), threads: threads.threads))
    let inputs = try problem.inputs()
    let maximumError = try AttentionReference(problem).maximumError(of: program(inputs)[0], inputs)
    var report = try BenchReport(program, inputs, flops: problem.flops, seconds: bench.seconds)
    report.fields.append(("max_error", .number("\(maximumError)")))
    report.print(json: bench.json)
    if bench.profile { try BenchReport.printProfile(program, inputs) }
  }
}

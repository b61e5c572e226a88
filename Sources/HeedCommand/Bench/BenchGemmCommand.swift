import ArgumentParser
import Heed

/// `heed bench gemm`: a matrix product, as a linear layer has it.
struct BenchGemmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gemm", abstract: "Measures x w with weights that are packed once, beside OpenBLAS where that is installed.",
    discussion: "Contenders take turns. OpenBLAS does the product alone, in f32 and f64, and its result is checked against Heed's.")

  /// Shapes that are measured together.
  enum Preset: String, CaseIterable, ExpressibleByArgument {
    /// 1024^3, and what a small sentence encoder multiplies: 384 components, 1536 within the feed-forward network.
    case encoder

    var shapes: [(m: Int, n: Int, k: Int)] {
      [(1024, 1024, 1024)]
        + [16, 128, 1024, 4096].flatMap { rows in [(384, 384), (1152, 384), (1536, 384), (384, 1536)].map { (rows, $0.0, $0.1) } }
    }
  }

  @OptionGroup var gemm: GemmArguments
  @Option(help: "A table of shapes in place of --m, --n and --k: encoder.") var preset: Preset?
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var target: TargetOption
  @OptionGroup var bench: BenchOptions

  func validate() throws {
    guard preset == nil || !bench.profile && bench.trace == nil && bench.roofline == nil else {
      throw ValidationError("--profile, --trace and --roofline are of one shape, not of a --preset")
    }
  }

  func run() throws {
    try bench.checkFiles()
    let options = try target.compileOptions(threads: threads)
    let probe = try RateProbe(gemm.dtype.value(), target: options.target)
    let shapes = preset?.shapes ?? [(gemm.m, gemm.n, gemm.k)]
    let measurements = try shapes.map { shape in
      let problem = try gemm.problem(m: shape.m, n: shape.n, k: shape.k)
      return try GemmMeasurement(problem, options, probe: probe, seconds: bench.seconds)
    }
    if preset == nil {
      let one = measurements[0]
      try bench.finish(one.report, one.problem.title, one.program, one.inputs)
    } else if bench.json {
      try printLine(JSON.object(["rows": .array(measurements.map(\.report.json))]).text)
    } else {
      try GemmMeasurement.printTable(measurements)
    }
  }
}

/// Which matrix product is meant.
struct GemmArguments: ParsableArguments {
  @Option(help: "The number of products, each with weights of its own.") var batch = 1
  @Option(help: "The rows of x.") var m = 1024
  @Option(help: "The columns of w.") var n = 1024
  @Option(help: "The columns of x and rows of w.") var k = 1024
  @Option(help: "What follows the product: none, bias, or gelu (of the sum with a bias).") var epilogue = GemmProblem.Epilogue.none
  @Option(help: "When w is given: at load, where it is packed once, or at each call.") var weights = GemmProblem.Weights.load
  @OptionGroup var dtype: ElementOption

  /// The product of these sizes, by default those of the arguments.
  func problem(m: Int? = nil, n: Int? = nil, k: Int? = nil) throws -> GemmProblem {
    try GemmProblem(
      batch: batch, m: m ?? self.m, n: n ?? self.n, k: k ?? self.k, element: dtype.value(), epilogue: epilogue, weights: weights)
  }
}

import Heed
import OrderedCollections

/// A matrix product by Heed and by OpenBLAS, in turns.
struct GemmMeasurement {
  let problem: GemmProblem
  let program: CompiledGraph
  let inputs: [String: NDArray]
  private(set) var report: BenchReport
  private let baseline: Baseline?

  /// What OpenBLAS did.
  private struct Baseline {
    let coreName: String
    let times: CallTimes
    /// The largest difference between its result and Heed's.
    let difference: Double

    func text(_ report: BenchReport) -> String {
      "\(shownTime(times.best)) best, \(shownTime(times.median)) median, \(fixed(report.flops / times.best / 1e9, 1)) GFLOP/s with "
        + "its \(coreName) kernels: Heed is \(fixed(times.best / report.times.best, 2)) times as fast; they differ by "
        + "\(shownError(difference)) at most"
    }
  }

  init(_ problem: GemmProblem, _ options: CompileOptions, probe: RateProbe, seconds: Double) throws {
    let arrays = try problem.arrays()
    let (inputs, parameters) = problem.split(arrays)
    let compiled = try problem.graph().compile(options)
    let program = try parameters.isEmpty ? compiled : compiled.load(parameters: parameters)
    let out = try program(inputs)[0]
    let error = try problem.maximumError(of: out, arrays)

    var baseline: Baseline?
    let isKnown = problem.element == .f32 || problem.element == .f64
    let library = isKnown ? OpenBLAS(threads: program.threadCount) : nil
    var report = try BenchReport(
      program, probe: probe, reading: [arrays["w"]!], flops: problem.flops, bytes: problem.bytes, maximumError: error
    ) {
      guard let library else { return try Stopwatch.calls(of: program, inputs, for: seconds) }
      func matrix(_ array: NDArray) throws -> NDArray { try array.reshaped([problem.batch] + array.shape.suffix(2)) }
      let (x, w) = (try matrix(arrays["x"]!), try matrix(arrays["w"]!))
      let z = try NDArray(zeros: problem.element, [problem.batch, problem.m, problem.n])
      library.multiply(x, w, into: z)
      let finished = try Self.finish(z, problem, parameters, options)
      let times = try Stopwatch.turns(
        for: seconds, pause: program.threadCount > 1 ? OpenBLAS.restTime : 0,
        [{ _ = try program(inputs) }, { library.multiply(x, w, into: z) }])
      baseline = Baseline(coreName: library.coreName, times: times[1], difference: out.largestDifference(from: finished))
      return times[0]
    }
    report.fields = Self.fields(baseline, report, isKnown: isKnown)
    report.notes = baseline.map { [("openblas", $0.text(report))] }
    (self.problem, self.program, self.inputs, self.report, self.baseline) = (problem, program, inputs, report, baseline)
  }

  /// The product with its epilogue, to be compared.
  private static func finish(
    _ product: NDArray, _ problem: GemmProblem, _ parameters: [String: NDArray], _ options: CompileOptions
  ) throws -> NDArray {
    guard problem.epilogue != .none else { return product }
    let epilogue = try problem.epilogueGraph().compile(options).load(parameters: parameters.filter { $0.key == "bias" })
    return try epilogue(["product": product.reshaped([problem.batch * problem.m, problem.n])])[0]
  }

  private static func fields(_ baseline: Baseline?, _ report: BenchReport, isKnown: Bool) -> OrderedDictionary<String, JSON> {
    guard let baseline else {
      return ["openblas": .string(isKnown ? "not installed" : "has no such product")]
    }
    return [
      "openblas": .string(baseline.coreName), "openblas_best_seconds": JSON(baseline.times.best),
      "openblas_median_seconds": JSON(baseline.times.median), "openblas_gflops": JSON(report.flops / baseline.times.best / 1e9),
      "openblas_ratio": JSON(baseline.times.best / report.times.best), "openblas_difference": JSON(baseline.difference),
    ]
  }

  /// A line a shape.
  static func printTable(_ measurements: [GemmMeasurement]) throws {
    func row(_ cells: [String]) throws {
      try printLine(cells.enumerated().map { padded($1, $0 == 0 ? 18 : 12, left: true) }.joined())
    }
    try row(["M x N x K", "GFLOP/s", "median", "of peak", "error", "OpenBLAS", "ratio", "difference"])
    for one in measurements {
      let (problem, report) = (one.problem, one.report)
      let own = [
        "\(problem.m) x \(problem.n) x \(problem.k)", fixed(report.flops / report.times.best / 1e9, 1),
        fixed(report.flops / report.times.median / 1e9, 1), fixed(report.ofPeak, 2), shownError(report.maximumError),
      ]
      try row(
        own
          + (one.baseline.map {
            [
              fixed(report.flops / $0.times.best / 1e9, 1), fixed($0.times.best / report.times.best, 2) + "x",
              shownError($0.difference),
            ]
          } ?? ["-", "-", "-"]))
    }
    guard let last = measurements.last else { return }
    let core = last.baseline.map { "with its \($0.coreName) kernels, the product alone" } ?? last.report.fields["openblas"]!.string!
    let (element, epilogue) = (last.problem.element, last.problem.epilogue)
    try printLine(
      "\(element), epilogue \(epilogue), weights given at \(last.problem.weights), \(last.report.threads) threads; OpenBLAS \(core)"
    )
    try printLine("peak \(fixed(last.report.rates.flops / 1e9, 1)) GFLOP/s; \(MachineReport.line(last.report.target))")
  }
}

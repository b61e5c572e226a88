import ArgumentParser
import Foundation
import Heed

/// `heed bench`: measurements, as other programs ask for them.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures compiled attention, matrix products, a whole encoder, training or compilation, and the machine.",
    subcommands: [
      BenchAttentionCommand.self, BenchLinearAttentionCommand.self, BenchGemmCommand.self, BenchEncoderCommand.self,
      BenchTrainingCommand.self, BenchCompileCommand.self, BenchMachineCommand.self,
    ])
}

/// How a measurement is made and printed.
struct BenchOptions: ParsableArguments {
  @Option(help: "For how long calls are repeated.") var seconds = 1.0
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Print the time of each kernel, in the shortest of a few more calls.") var profile = false
  @Option(help: "Write the kernel calls of the shortest of a few more calls as Chrome's trace events, for ui.perfetto.dev.")
  var trace: String?
  @Option(help: "Draw where each kernel stands under the machine's roofs, as SVG.") var roofline: String?

  func validate() throws {
    guard seconds >= 0, seconds <= 3600 else { throw ValidationError("got --seconds \(seconds), expected 0 to 3600") }
    guard !(json && profile) else { throw ValidationError("--json and --profile exclude each other") }
  }

  /// Checks, before anything is measured, that files can be written.
  func checkFiles() throws {
    try FileBytes.check(
      [("--trace", trace), ("--roofline", roofline)].compactMap { option, path in path.map { OutputPath(option, $0) } })
  }

  /// Prints the report, and makes what else was asked for.
  /// - Parameters:
  ///   - title: what was measured, on one line.
  ///   - attentionFlops: the operations of all attention on live pairs.
  func finish(
    _ report: BenchReport, _ title: String, _ program: CompiledGraph, _ inputs: [String: NDArray], attentionFlops: Double? = nil
  ) throws {
    try report.print(json: json)
    guard profile || trace != nil || roofline != nil else { return }
    let kernels = try KernelProfile(of: program, inputs, attentionFlops: attentionFlops)
    if profile { try kernels.print() }
    if let trace { try TraceFile(profile: kernels, target: report.target, threads: report.threads).write(to: trace) }
    if let roofline {
      let machine = "\(MachineReport.line(report.target)), \(report.threads) threads"
      try Roofline(
        title: title, machine: machine, profile: kernels, peak: report.rates.flops, bandwidth: report.rates.bytes
      ).write(to: roofline)
    }
  }
}

/// The element type of inputs and results.
struct ElementOption: ParsableArguments {
  @Option(help: "f32, f64, f16 or bf16.") var dtype = "f32"

  func value() throws -> ElementType {
    guard let element = ElementType(name: dtype), element.isFloat else {
      throw HeedError("got --dtype \(dtype), expected f32, f64, f16 or bf16")
    }
    return element
  }
}

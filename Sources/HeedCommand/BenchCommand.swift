import ArgumentParser
import Foundation
import Heed

/// `heed bench`: measurements, as other programs ask for them.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures compiled attention or a whole encoder.",
    subcommands: [BenchAttentionCommand.self, BenchEncoderCommand.self])
}

/// How a measurement is made and printed.
struct BenchOptions: ParsableArguments {
  @Option(help: "For how long calls are repeated.") var seconds = 1.0
  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Print the time of each kernel, of one more call.") var profile = false

  func validate() throws {
    guard seconds >= 0, seconds <= 3600 else { throw ValidationError("got --seconds \(seconds), expected 0 to 3600") }
    guard !(json && profile) else { throw ValidationError("--json and --profile exclude each other") }
  }
}

/// The times of one call, repeated, and what else a measurement says.
struct BenchReport {
  let times: [Double]
  /// Useful floating-point operations of a call.
  let flops: Double
  var fields: [(key: String, value: JSON)] = []

  /// Calls `program` once to warm up and then for `seconds`.
  init(_ program: CompiledGraph, _ inputs: [String: NDArray], flops: Double, seconds: Double) throws {
    _ = try program(inputs)
    times = try Stopwatch.times(for: seconds) { _ = try program(inputs) }.sorted()
    self.flops = flops
    fields = [("threads", .number("\(program.threadCount)")), ("target", .string(program.lowered.target.name))]
  }

  private var best: Double { times[0] }
  private var median: Double { times[times.count / 2] }

  /// The most memory that this process has had so far, bytes.
  private var peakBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }

  func print(json: Bool) {
    let gflops = fixed(flops / best / 1e9, 2)
    let fields = fields + [("peak_bytes", .number("\(peakBytes)"))]
    guard json else {
      Swift.print("best \(shownTime(best)), median \(shownTime(median)) of \(times.count) calls, \(gflops) GFLOP/s")
      for (key, value) in fields { Swift.print("\(key) \(value.string ?? value.text)") }
      return
    }
    let all: [(key: String, value: JSON)] =
      [
        ("best_seconds", .number("\(best)")), ("median_seconds", .number("\(median)")), ("calls", .number("\(times.count)")),
        ("gflops", .number(gflops)),
      ] + fields
    Swift.print("{" + all.map { "\(JSON.quoted($0.key)): \($0.value.text)" }.joined(separator: ", ") + "}")
  }

  /// Prints what one call's kernels took, the slowest first; calls of one kernel together.
  static func printProfile(_ program: CompiledGraph, _ inputs: [String: NDArray]) throws {
    var kernels: [Name: (calls: Int, seconds: Double, flops: Int, bytes: Int)] = [:]
    for step in try program.timed(inputs).timings {
      let sum = kernels[step.kernel] ?? (0, 0, 0, 0)
      kernels[step.kernel] = (sum.calls + 1, sum.seconds + step.seconds, sum.flops + step.flops, sum.bytes + step.bytes)
    }
    for (kernel, sum) in kernels.sorted(by: { $0.value.seconds > $1.value.seconds }) {
      let columns = [
        "\(sum.calls) x", shownTime(sum.seconds), "\(fixed(Double(sum.flops) / sum.seconds / 1e9, 1)) GFLOP/s",
        "\(fixed(Double(sum.bytes) / sum.seconds / 1e9, 1)) GB/s",
      ]
      Swift.print(columns.map { padded($0, 15, left: true) }.joined() + "  @\(kernel)")
    }
    Swift.print("operations and bytes as if no tile were skipped")
  }
}

extension JSON {
  /// The text of a number, a string or null.
  fileprivate var text: String {
    switch self {
    case .number(let digits): digits
    case .string(let text): JSON.quoted(text)
    case .bool(let flag): "\(flag)"
    case .null, .array, .object: "null"
    }
  }
}

/// Numbers that look random and are the same at each run.
struct SeededNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  /// Any 64 bits (splitmix64).
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// About normal: the sum of twelve uniform numbers less six has mean 0 and variance 1.
  mutating func normal() -> Double {
    var sum = -6.0
    for _ in 0..<3 {
      let bits = next()
      for shift in [0, 16, 32, 48] as [UInt64] { sum += (Double(bits >> shift & 0xFFFF) + 0.5) / 65536 }
    }
    return sum
  }
}

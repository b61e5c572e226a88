import Foundation
import Heed
import OrderedCollections

/// A measurement of a compiled graph: how long calls take, how close that is to what the machine can do, and how exact the results
/// are.
struct BenchReport {
  let times: CallTimes
  /// Useful floating-point operations of a call.
  let flops: Double
  /// The bytes that a call must read and write at least.
  let bytes: Double
  let rates: MeasuredRates
  /// The most memory that this process had up to the end of the calls, bytes.
  let peakBytes: Int
  /// The largest difference from the reference interpreter, where it was asked.
  let maximumError: Double
  let threads: Int
  let target: Target
  /// Further fields about the problem.
  var fields: OrderedDictionary<String, JSON> = [:]
  /// The same for people; nil for the fields as they are.
  var notes: [(title: String, text: String)]?

  /// Measures `calls`, which returns their times, between two measurements of the machine.
  /// - Parameter arrays: what calls mostly read.
  init(
    _ program: CompiledGraph, probe: RateProbe, reading arrays: [NDArray], flops: Double, bytes: Double,
    maximumError: @autoclosure () throws -> Double, calls: () throws -> CallTimes
  ) throws {
    (self.flops, self.bytes) = (flops, bytes)
    (threads, target) = (program.threadCount, program.lowered.target)
    var rates = try MeasuredRates(probe, threads: threads, reading: arrays)
    times = try calls()
    try rates.measureAgain()
    self.rates = rates
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    peakBytes = usage.ru_maxrss * 1024
    // What the reference takes is not the program's.
    self.maximumError = try maximumError()
  }

  var ofPeak: Double { flops / times.best / rates.flops }
  private var ofBandwidth: Double { bytes / times.best / rates.bytes }

  func print(json: Bool) throws {
    guard !json else { return try printLine(self.json.text) }
    let rate = fixed(flops / times.best / 1e9, 1)
    let lines =
      [
        (
          "time",
          "\(shownTime(times.best)) best, \(shownTime(times.median)) median of \(times.sorted.count) calls, "
            + "spread \(fixed(100 * times.spread, 1)) %"
        ),
        ("products", "\(rate) GFLOP/s, \(fixed(ofPeak, 2)) of the peak of \(fixed(rates.flops / 1e9, 1))"),
        (
          "memory",
          "\(fixed(bytes / times.best / 1e9, 1)) GB/s, \(fixed(ofBandwidth, 2)) of the \(fixed(rates.bytes / 1e9, 1)) "
            + "that one thread reads"
        ),
        ("error", "\(shownError(maximumError)) at most, against the interpreter"),
      ] + (notes.map { $0.map { ($0.title, $0.text) } } ?? fields.map { ($0.key, $0.value.string ?? $0.value.text) }) + [
        ("footprint", "\(peakBytes >> 20) MiB"), ("threads", "\(threads)"), ("machine", MachineReport.line(target)),
      ]
    let width = lines.map(\.0.count).max()! + 2
    for (key, value) in lines { try printLine(padded(key, width) + value) }
  }

  var json: JSON {
    let measured: OrderedDictionary<String, JSON> = [
      "best_seconds": JSON(times.best), "median_seconds": JSON(times.median), "lower_quartile_seconds": JSON(times.lowerQuartile),
      "upper_quartile_seconds": JSON(times.upperQuartile), "spread": JSON(times.spread), "calls": JSON(times.sorted.count),
      "gflops": JSON(flops / times.best / 1e9), "peak_gflops": JSON(rates.flops / 1e9), "of_peak": JSON(ofPeak),
      "gbytes": JSON(bytes / times.best / 1e9), "read_gbytes": JSON(rates.bytes / 1e9), "of_read_bandwidth": JSON(ofBandwidth),
      "max_error": JSON(maximumError),
    ]
    let run: OrderedDictionary<String, JSON> = [
      "peak_bytes": JSON(peakBytes), "threads": JSON(threads), "target": .string(target.name),
      "machine": MachineReport.json(target),
    ]
    return .object(measured.merging(fields) { $1 }.merging(run) { $1 })
  }
}

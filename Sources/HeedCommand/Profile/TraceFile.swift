import Foundation
import Heed
import OrderedCollections

/// Kernel calls as Chrome's trace events, which ui.perfetto.dev and chrome://tracing show: a track of kernel calls, and for each thread a track
/// of the phases that it ran.
struct TraceFile {
  let profile: KernelProfile
  let target: Target
  let threads: Int

  private static let process = JSON(1)

  /// Writes the file.
  /// - Throws: where it cannot be written; the error names it.
  func write(to path: String) throws { try FileBytes.write(try json().text + "\n", to: path) }

  func json() throws -> JSON {
    let origin = profile.timings.map(\.start).min() ?? 0
    var threadNames: OrderedSet<String> = []
    var peaks: [ElementType: Double] = [:]
    var events: [JSON] = []
    for step in profile.timings {
      var arguments: OrderedDictionary<String, JSON> = [
        "flops": JSON(profile.flops(step)), "bytes": JSON(step.bytes),
        "operands": .array(step.operands.map { .string("%\($0.name): \($0.element)\($0.shape)") }),
      ]
      if step.flops > 0, step.seconds > 0 {
        let element = step.operands.lazy.map(\.element).first(where: \.isFloat) ?? .f32
        let peak = try peaks[element] ?? RateProbe(element, target: target).peakFlops() * Double(threads)
        peaks[element] = peak
        let rate = profile.flops(step) / step.seconds
        arguments["gflops"] = JSON(rate / 1e9)
        arguments["of_peak"] = JSON(rate / peak)
      }
      events.append(event("\(step.kernel)", "kernel", 0, step.start - origin, step.seconds, .object(arguments)))
      for phase in step.phases {
        let track = threadNames.append(phase.thread).index
        events.append(
          event(
            "\(step.kernel).\(phase.phase)", "phase", track + 1, phase.start - origin, phase.seconds,
            .object(["tiles": JSON(phase.tiles)])))
      }
    }
    let tracks = (["kernel calls"] + threadNames).enumerated().map { track, name in
      JSON.object([
        "ph": .string("M"), "name": .string("thread_name"), "pid": Self.process, "tid": JSON(track),
        "args": .object(["name": .string(name)]),
      ])
    }
    let peakRates = OrderedDictionary(
      uniqueKeysWithValues: peaks.map { ($0.key.name, JSON($0.value / 1e9)) }.sorted { $0.0 < $1.0 })
    return .object([
      "traceEvents": .array(tracks + events), "displayTimeUnit": .string("ms"),
      "otherData": .object([
        "machine": .string(MachineReport.line(target)), "threads": JSON(threads), "meaning": .string(profile.meaning),
        "peak_gflops": .object(peakRates),
      ]),
    ])
  }

  /// A complete event; its times are written in microseconds.
  private func event(_ name: String, _ kind: String, _ track: Int, _ start: Double, _ seconds: Double, _ arguments: JSON) -> JSON {
    .object([
      "ph": .string("X"), "name": .string(name), "cat": .string(kind), "pid": Self.process, "tid": JSON(track),
      "ts": JSON(start * 1e6), "dur": JSON(seconds * 1e6), "args": arguments,
    ])
  }
}

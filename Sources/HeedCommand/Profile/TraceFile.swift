import Foundation
import Heed

/// Kernel calls as Chrome's trace events, which ui.perfetto.dev and chrome://tracing show: a track of kernel calls, and for each thread a track
/// of the phases that it ran.
struct TraceFile {
  let profile: KernelProfile
  let target: Target
  let threads: Int

  private static let process = JSON(1)

  /// Writes the file.
  /// - Throws: where it cannot be written; the error names it.
  func write(to path: String) throws {
    do {
      try Data((try json().text + "\n").utf8).write(to: URL(fileURLWithPath: path))
    } catch let error as CocoaError {
      throw HeedError("cannot write \(path): \(error.localizedDescription)")
    }
  }

  func json() throws -> JSON {
    let origin = profile.timings.map(\.start).min() ?? 0
    var names: [String] = []
    var peaks: [ElementType: Double] = [:]
    var events: [JSON] = []
    for step in profile.timings {
      var arguments = JSON.members([
        "flops": JSON(profile.flops(step)), "bytes": JSON(step.bytes),
        "operands": .array(step.operands.map { .string("%\($0.name): \($0.element)\($0.shape)") }),
      ]).members!
      if step.flops > 0, step.seconds > 0 {
        let element = step.operands.lazy.map(\.element).first(where: \.isFloat) ?? .f32
        let peak = try peaks[element] ?? RateProbe(element, target: target).peakFlops() * Double(threads)
        peaks[element] = peak
        let rate = profile.flops(step) / step.seconds
        arguments += JSON.members(["gflops": JSON(rate / 1e9), "of_peak": JSON(rate / peak)]).members!
      }
      events.append(event("\(step.kernel)", "kernel", 0, step.start - origin, step.seconds, .object(arguments)))
      for phase in step.phases {
        let track = names.firstIndex(of: phase.thread) ?? names.count
        if track == names.count { names.append(phase.thread) }
        events.append(
          event(
            "\(step.kernel).\(phase.phase)", "phase", track + 1, phase.start - origin, phase.seconds,
            .members(["tiles": JSON(phase.tiles)])))
      }
    }
    let tracks = (["kernel calls"] + names).enumerated().map { track, name in
      JSON.members([
        "ph": .string("M"), "name": .string("thread_name"), "pid": Self.process, "tid": JSON(track),
        "args": .members(["name": .string(name)]),
      ])
    }
    return .members([
      "traceEvents": .array(tracks + events), "displayTimeUnit": .string("ms"),
      "otherData": .members([
        "machine": .string(MachineReport.line(target)), "threads": JSON(threads), "meaning": .string(profile.meaning),
        "peak_gflops": .object(
          peaks.sorted { $0.key.name < $1.key.name }.map { .init(key: $0.key.name, value: JSON($0.value / 1e9)) }),
      ]),
    ])
  }

  /// A complete event; its times are written in microseconds.
  private func event(_ name: String, _ kind: String, _ track: Int, _ start: Double, _ seconds: Double, _ arguments: JSON) -> JSON {
    .members([
      "ph": .string("X"), "name": .string(name), "cat": .string(kind), "pid": Self.process, "tid": JSON(track),
      "ts": JSON(start * 1e6), "dur": JSON(seconds * 1e6), "args": arguments,
    ])
  }
}

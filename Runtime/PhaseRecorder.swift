internal import CHeedABI
internal import CHeedPool
internal import Foundation
internal import HeedIR

/// Records which thread runs which tiles of one phase, and when. The pool calls it in place of the generated function.
///
/// The pool passes a function the address of its arguments and nothing else. So those of the observed function are the beginning of
/// a larger struct, which holds the rest.
final class PhaseRecorder: Sendable {
  private struct Share: Sendable {
    var thread: pthread_t
    var name: String
    var start: Double
    var end: Double
    var tiles: Int
  }

  private struct ObservedArguments {
    var arguments: heed_arguments
    var run: heed_run_function
    var recorder: Unmanaged<PhaseRecorder>
  }

  private let shares = Lock<[Share]>([])

  /// Runs a phase on the pool.
  /// - Returns: what each thread did.
  static func run(
    _ run: heed_run_function, _ arguments: heed_arguments, count: Int, scratchBytes: Int, _ pool: ThreadPool,
    _ scratch: CallerScratch,
    phase: Name
  ) throws -> [PhaseTiming] {
    let recorder = PhaseRecorder()
    var observed = ObservedArguments(arguments: arguments, run: run, recorder: Unmanaged.passUnretained(recorder))
    precondition(MemoryLayout<ObservedArguments>.offset(of: \.arguments) == 0, "the arguments stand first")
    try withExtendedLifetime(recorder) {
      try withUnsafePointer(to: &observed) { pointer in
        try UnsafeRawPointer(pointer).withMemoryRebound(to: heed_arguments.self, capacity: 1) { arguments in
          try pool.run(Self.observe, arguments, count: count, scratchBytes: scratchBytes, scratch: scratch)
        }
      }
    }
    return recorder.shares.withLock { $0 }.sorted { $0.start < $1.start }.map {
      PhaseTiming(phase: phase, thread: $0.name, start: $0.start, seconds: $0.end - $0.start, tiles: $0.tiles)
    }
  }

  private static let observe: heed_run_function = { arguments, begin, end, scratch in
    let observed = UnsafeRawPointer(arguments!).assumingMemoryBound(to: ObservedArguments.self)
    let start = monotonicSeconds()
    observed.pointee.run(arguments, begin, end, scratch)
    observed.pointee.recorder.takeUnretainedValue().add(start, monotonicSeconds(), tiles: Int(end - begin))
  }

  private func add(_ start: Double, _ end: Double, tiles: Int) {
    let thread = pthread_self()
    shares.withLock { shares in
      if let own = shares.firstIndex(where: { pthread_equal($0.thread, thread) != 0 }) {
        shares[own].end = end
        shares[own].tiles += tiles
      } else {
        shares.append(Share(thread: thread, name: threadName(), start: start, end: end, tiles: tiles))
      }
    }
  }

  private func threadName() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { name in
      heed_thread_name(name.baseAddress, name.count)
      return String(cString: name.baseAddress!)
    }
  }
}

/// Seconds on the system's monotonic clock.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

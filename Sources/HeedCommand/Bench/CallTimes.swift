import Foundation
import Heed

/// How long a call took each time, in seconds.
struct CallTimes {
  /// From the shortest to the longest; at least one.
  let sorted: [Double]

  init(_ times: [Double]) { sorted = times.sorted() }

  var best: Double { sorted[0] }
  var median: Double { quantile(1, of: 2) }
  var lowerQuartile: Double { quantile(1, of: 4) }
  var upperQuartile: Double { quantile(3, of: 4) }
  /// How far the median lies above the best, as a part of the best.
  var spread: Double { (median - best) / best }

  private func quantile(_ part: Int, of parts: Int) -> Double { sorted[min(sorted.count * part / parts, sorted.count - 1)] }
}

/// Runs work again and again and keeps the times.
enum Stopwatch {
  /// What counts as time.
  enum Time {
    case wall
    /// What the processor spent on this process, on all its threads. Other processes do not lengthen it.
    case processor

    /// Seconds from some moment on.
    fileprivate var now: Double {
      var time = timespec()
      clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
  }

  /// The time of each run, in seconds: at least one, until they fill `seconds` on the wall.
  static func times(for seconds: Double, counting time: Time = .wall, _ body: () throws -> Void) rethrows -> [Double] {
    var times: [Double] = []
    let end = Time.wall.now + seconds
    repeat {
      let start = time.now
      try body()
      times.append(time.now - start)
    } while Time.wall.now < end
    return times
  }

  /// The times of calls of `program`, one to warm up not counted.
  static func calls(of program: CompiledGraph, _ inputs: [String: NDArray], for seconds: Double) throws -> CallTimes {
    _ = try program(inputs)
    return CallTimes(try times(for: seconds) { _ = try program(inputs) })
  }

  /// The times of several contenders that take turns (A B A B ...), so that a machine's drift hits all alike: they share `seconds`, in
  /// `rounds` turns each. The first call of a turn, which finds the caches as the one before left them, does not count.
  /// - Parameter pause: how long each waits for the threads of the one before to come to rest.
  static func turns(
    for seconds: Double, counting time: Time = .wall, rounds: Int = 6, pause: Double = 0, _ contenders: [() throws -> Void]
  ) throws -> [CallTimes] {
    var times = [[Double]](repeating: [], count: contenders.count)
    for _ in 0..<rounds {
      for (index, contender) in contenders.enumerated() {
        if pause > 0 { Thread.sleep(forTimeInterval: pause) }
        try contender()
        times[index] += try Self.times(for: seconds / Double(rounds * contenders.count), counting: time, contender)
      }
    }
    return times.map(CallTimes.init)
  }
}

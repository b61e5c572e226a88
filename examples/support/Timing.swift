import Foundation

/// The least processor time of each of several programs in seconds: what other processes take of the machine does not count. They take turns,
/// so what slows the machine for a while slows all alike.
func bestTimes(rounds: Int, _ programs: [() throws -> Void]) throws -> [Double] {
  var best = [Double](repeating: .infinity, count: programs.count)
  for round in 0...rounds {
    for (number, program) in programs.enumerated() {
      let start = processorTime()
      try program()
      // The first round touches memory for the first time.
      if round > 0 { best[number] = min(best[number], Double(processorTime() - start) / 1e9) }
    }
  }
  return best
}

/// Nanoseconds that all threads of this process have run.
private func processorTime() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

import Foundation

/// The least wall time of each of several programs in seconds. They take turns, so what slows the machine for a while slows all alike.
func bestTimes(rounds: Int, _ programs: [() throws -> Void]) throws -> [Double] {
  var best = [Double](repeating: .infinity, count: programs.count)
  for round in 0...rounds {
    for (number, program) in programs.enumerated() {
      let start = DispatchTime.now().uptimeNanoseconds
      try program()
      // The first round touches memory for the first time.
      guard round > 0 else { continue }
      best[number] = min(best[number], Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }
  }
  return best
}

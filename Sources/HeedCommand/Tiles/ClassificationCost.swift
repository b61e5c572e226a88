import Foundation
import Heed

/// What finding the live tiles takes: the time of attention's kernels compiled to only count these, compared with that of a call.
struct ClassificationCost {
  /// Seconds of attention's kernels that only classify, of those that attend, and of the whole call; each the best of several.
  let classification: Double
  let attention: Double
  let call: Double

  /// The most operations of a call that is measured: less than a minute of one thread.
  static let mostFlops = 2e12

  /// Turns of each, and the seconds after which no more are begun.
  private static let rounds = 7
  private static let longest = 20.0

  /// Compiles the graph both ways and lets them take turns on one thread.
  init(_ graph: Graph, _ options: CompileOptions, _ arrays: [(name: String, array: NDArray)], parameters: Set<String>) throws {
    var options = options
    options.threads = 1
    options.tuning = .tiles(options.tunedTiles)
    let inputs = Dictionary(uniqueKeysWithValues: arrays.filter { !parameters.contains($0.name) }.map { ($0.name, $0.array) })
    let bound = arrays.filter { parameters.contains($0.name) }
    let programs = try [false, true].map { classifiesOnly in
      options.classifiesOnly = classifiesOnly
      return try graph.compile(options).load(parameters: bound)
    }
    var best: [(attention: Double, call: Double)] = [(.infinity, .infinity), (.infinity, .infinity)]
    let start = ContinuousClock.now
    for round in 0...Self.rounds {
      for (number, program) in programs.enumerated() {
        let timings = try program.timed(inputs).timings
        // The first turn finds cold caches and fresh memory.
        guard round > 0 else { continue }
        // Statistics of weights do not classify alone.
        let attention = timings.filter { $0.op == .attention }.reduce(0) { $0 + $1.seconds }
        let call = timings.reduce(0) { $0 + $1.seconds }
        best[number] = (min(best[number].attention, attention), min(best[number].call, call))
      }
      if round > 0, (ContinuousClock.now - start) / .seconds(1) > Self.longest { break }
    }
    (classification, attention, call) = (best[1].attention, best[0].attention, best[0].call)
  }

  /// - Parameter evaluations: those of all heads.
  func lines(evaluations: Double) -> [String] {
    let nanoseconds = fixed(classification / evaluations * 1e9, 1)
    let each = evaluations == 0 ? "" : ", \(nanoseconds) ns for each of \(fixed(evaluations, 0)) evaluations"
    return [
      "  classification  \(shownTime(classification))\(each)",
      "  attention       \(shownTime(attention)), of a call of \(shownTime(call)) on one thread",
      "  share           \(fixed(100 * classification / call, 2)) %",
    ]
  }
}

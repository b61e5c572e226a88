import Foundation
import Heed
import HeedTestSupport
import Testing

/// Many steps of a small model: neither memory nor the time of a step grows.
@Suite(.serialized) struct LongRunTests {
  private static let isLong = ProcessInfo.processInfo.environment["HEED_LONG_RUNS"] != nil

  @Test func memoryIsFlat() throws {
    try withTemporaryFolder { parent in
      var program = try Program(in: parent)
      let steps = Self.isLong ? 10_000 : 2000
      program.options = ["--layers", "1", "--width", "16", "--batch", "1", "--checkpoint-every", "100"]
      program.steps = steps
      let (process, _) = try program.process()
      try process.run()
      // By the step of the newest checkpoint: megabytes of memory that the process has for itself.
      var memory: [Int: Int] = [:]
      while process.isRunning {
        let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        if let bytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), let step = newestStep(program.folder) {
          memory[step] = max(memory[step] ?? 0, bytes)
        }
        usleep(5000)
      }
      process.waitUntilExit()
      #expect(process.terminationStatus == 0 && program.stepCount == steps)
      // What the first steps need is not counted: buffers of their own, the cache of the allocator.
      let early = memory.filter { $0.key > steps / 4 && $0.key <= steps / 2 }.values.max() ?? 0
      let late = memory.filter { $0.key > 3 * steps / 4 }.values.max() ?? 0
      #expect(
        early > 0 && Double(late) <= 1.01 * Double(early), "\(early) kB, then \(late) kB: \(memory.sorted { $0.key < $1.key })")

      guard Self.isLong else { return }
      let times = try String(contentsOfFile: program.folder + "/metrics.jsonl", encoding: .utf8).split(separator: "\n")
        .filter { $0.contains("\"loss\"") }.map { line in Double(line.firstMatch(of: /"seconds": ([0-9.e-]+)/)!.1)! }
      func median(_ times: ArraySlice<Double>) -> Double { times.sorted()[times.count / 2] }
      let quarters = (0..<4).map { median(times[$0 * steps / 4..<($0 + 1) * steps / 4]) }
      print("memory \(early) kB, then \(late) kB; medians of a step by quarters of the run: \(quarters)")
      #expect(quarters[3] < 1.1 * quarters[1], "\(quarters)")
    }
  }

  private func newestStep(_ folder: String) -> Int? {
    let names = (try? files(folder)) ?? []
    return names.last { $0.hasPrefix("checkpoint-") }.flatMap { Int($0.dropFirst(11).prefix(8)) }
  }
}

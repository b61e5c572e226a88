import Foundation
import Heed
import HeedTestSupport
import Testing

/// `make soak MINUTES=60` works for an hour and says each minute what it holds; the suite has a form of 48 rounds, in a process of its own.
@Suite(.timeLimit(.minutes(600))) struct SoakTests {
  private static let minutes = Double(ProcessInfo.processInfo.environment["HEED_SOAK_MINUTES"] ?? "")

  @Test(.enabled(if: minutes == nil)) func aShortOneIsFlat() async {
    await #expect(processExitsWith: .success) {
      try withSmallModel { model in
        var soak = try Soak(model: model)
        try soak.run(rounds: 48)
        // Memory settles only after minutes, so here it may grow somewhat; times are those of a machine on which all other tests run.
        let drift = soak.drift(memory: 0.1, time: 3)
        #expect(drift == [], "\(drift)")
      }
    }
  }

  @Test(.enabled(if: minutes != nil)) func aLongOneIsFlat() throws {
    let minutes = Self.minutes ?? 60
    try withSmallModel { model in
      var soak = try Soak(model: model)
      var first: Soak.Sample?
      try soak.run(minutes: minutes, every: min(1, minutes / 20)) { sample in
        first = first ?? sample
        let use = sample.use
        func mebibytes(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / 1_048_576) }
        print(
          String(format: "%6.1f min: ", sample.minutes)
            + "resident \(mebibytes(use.resident)), private \(mebibytes(use.privateBytes)), "
            + "\(use.blocks) blocks, \(use.descriptors) descriptors, \(use.threads) threads, "
            + String(format: "speed %.3f", first!.probeSeconds / sample.probeSeconds))
        fflush(nil)
      }
      print("\(soak.rounds) rounds")
      #expect(soak.drift(memory: 0.01, time: 0.1) == [])
    }
  }

  /// What the soak fails on, by samples that drift in one thing each.
  @Test func driftIsFound() throws {
    try withSmallModel { model in
      let soak = try Soak(model: model)
      func drift(_ change: (inout Soak.Sample, Int) -> Void) -> [String] {
        var drifting = soak
        for number in 0..<20 {
          var sample = Soak.Sample(minutes: Double(number), use: ProcessUse(), probeSeconds: 1 + Double(number % 3) / 10)
          sample.use.resident = 100_000_000 + 100_000 * (number % 5)
          (sample.use.privateBytes, sample.use.descriptors, sample.use.threads, sample.use.blocks) = (50_000_000, 9, 4, 30)
          change(&sample, number)
          drifting.add(sample)
        }
        return drifting.drift(memory: 0.01, time: 0.1)
      }
      #expect(drift { _, _ in } == [])
      #expect(drift { $0.use.resident += 150_000 * $1 } != [])
      #expect(drift { $0.use.privateBytes += 60_000 * $1 } != [])
      #expect(drift { $0.use.blocks += $1 / 9 } != [])
      #expect(drift { $0.use.descriptors += $1 / 15 } != [])
      #expect(drift { $0.use.threads += $1 / 15 } != [])
      #expect(drift { $0.probeSeconds *= 1 + Double($1) / 80 } != [])
      // A moment's descriptor or a slow minute is no drift.
      #expect(drift { if $1 == 18 { $0.use.descriptors += 5 } } == [])
      #expect(drift { if $1 > 16 { $0.probeSeconds *= $1 == 17 ? 1 : 3 } } == [])
      #expect(soak.drift(memory: 1, time: 1) != [])
    }
  }
}

import Foundation
import Heed
import HeedTestSupport
import Testing

/// Processes that are killed and started again. `make test-training` kills more often.
@Suite(.serialized) struct KillTests {
  private static let killCount = Int(ProcessInfo.processInfo.environment["HEED_KILLS"] ?? "") ?? 3

  /// At random moments, from the start of the process on; by 1, 2 and 3 threads in turn.
  @Test func anyMoment() throws {
    try withTemporaryFolder { parent in
      var whole = try Program(in: parent, "whole")
      whole.steps = Self.killCount > 5 ? 600 : 60
      let clock = ContinuousClock()
      #expect(try whole.run().status == 0)
      for threads in 2...3 {
        var other = try Program(in: parent, "threads\(threads)")
        (other.threads, other.steps) = (threads, whole.steps)
        #expect(try other.run().status == 0)
        try other.expectSame(as: whole)
      }
      // The time of a run, and how much of it passes before the first step: a run that is done makes none.
      var again = try Program(in: parent, "again")
      again.steps = whole.steps
      let time = try clock.measure { try again.run() } / .seconds(1)
      let startTime = min(time, try clock.measure { try again.run() } / .seconds(1))
      let longest = startTime + 2 * (time - startTime) / Double(Self.killCount)

      var program = try Program(in: parent, "killed")
      program.steps = whole.steps
      var random = SystemRandomNumberGenerator()
      var places: [Int] = []
      while places.count < Self.killCount {
        program.threads = places.count % 3 + 1
        let (process, _) = try program.process()
        try process.run()
        Thread.sleep(forTimeInterval: Double.random(in: startTime / 2...longest, using: &random))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        if process.terminationReason == .uncaughtSignal { places.append(program.stepCount) }
        guard process.terminationReason == .exit else { continue }
        // It was done before it could be killed.
        try program.expectSame(as: whole)
        try FileManager.default.removeItem(atPath: program.folder)
      }
      if Self.killCount > 5 { print("killed after these steps: \(places)") }
      #expect(try program.run().status == 0)
      try program.expectSame(as: whole)
    }
  }

  /// While a checkpoint is being written: its file has another name then.
  @Test func whileWriting() throws {
    try withTemporaryFolder { parent in
      var whole = try Program(in: parent, "whole")
      whole.options = ["--layers", "2", "--width", "128", "--batch", "1"]
      (whole.steps, whole.checkpointInterval) = (12, 1)
      #expect(try whole.run().status == 0)
      var program = try Program(in: parent, "killed")
      (program.options, program.steps, program.checkpointInterval) = (whole.options, 12, 1)
      for _ in 0..<Self.killCount {
        let (process, _) = try program.process()
        try process.run()
        let first = program.stepCount
        while process.isRunning {
          let isWriting = ((try? files(program.folder)) ?? []).contains { $0.hasPrefix(".heed-") }
          // At another checkpoint each time.
          if isWriting, program.stepCount > first || first == 0 { break }
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        for name in try files(program.folder) where name.hasSuffix(".safetensors") && !name.hasPrefix(".") {
          _ = try TrainingCheckpoint(contentsOf: program.folder + "/" + name)
        }
      }
      #expect(try program.run().status == 0)
      try program.expectSame(as: whole)
    }
  }

  /// SIGINT and SIGTERM finish the step, save, and say how to go on.
  @Test(arguments: [(SIGINT, "SIGINT", 130), (SIGTERM, "SIGTERM", 143)] as [(Int32, String, Int32)])
  func interrupted(signal: Int32, name: String, status: Int32) throws {
    try withTemporaryFolder { parent in
      var (whole, program) = (try Program(in: parent, "whole"), try Program(in: parent, "interrupted"))
      // Long enough for the signal to come in time.
      (whole.steps, program.steps) = (3000, 3000)
      (whole.checkpointInterval, program.checkpointInterval) = (500, 500)
      #expect(try whole.run().status == 0)
      let (process, errors) = try program.process()
      try process.run()
      while process.isRunning, program.stepCount < 7 { usleep(500) }
      kill(process.processIdentifier, signal)
      let result = Program.finished(process, errors)
      #expect(result.status == status && process.terminationReason == .exit, "\(result)")
      let step = program.stepCount
      let file = program.folder + "/" + program.checkpoint(step)
      #expect(try TrainingCheckpoint(contentsOf: file).step == step)
      #expect(result.errors.contains("step \(step): stopped by \(name); saved \(file); resume with: "), "\(result.errors)")
      let again = try program.run()
      #expect(again.status == 0 && again.errors.hasPrefix("step \(step): going on from \(file)\n"), "\(again.errors)")
      #expect(try program.contents(program.checkpoint(3000)) == whole.contents(whole.checkpoint(3000)))
      #expect(try metrics(program.folder) == metrics(whole.folder))
    }
  }

  /// A second signal ends the process at once, though the step would take long.
  @Test func interruptedTwice() throws {
    try withTemporaryFolder { parent in
      var program = try Program(in: parent)
      program.options = ["--layers", "2", "--width", "256", "--batch", "512"]
      let (process, errors) = try program.process()
      try process.run()
      while process.isRunning, program.stepCount < 1 { usleep(500) }
      // More than two: a process that was not running in between sees two as one.
      while process.isRunning {
        kill(process.processIdentifier, SIGINT)
        usleep(20_000)
      }
      let result = Program.finished(process, errors)
      #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGINT, "\(result)")
      #expect(!result.errors.contains("stopped by"), "the step was finished: \(result)")
    }
  }

  /// Files that may not grow beyond a size, as on a disk that is full: one clear line, and the last checkpoint as it was.
  @Test func fullDisk() throws {
    try withTemporaryFolder { parent in
      let whole = try Program(in: parent, "whole")
      #expect(try whole.run().status == 0)
      var program = try Program(in: parent, "full")
      program.steps = 12
      #expect(try program.run().status == 0)
      let before = try program.contents("checkpoint-00000012.safetensors")
      program.steps = 60
      // Checkpoints have some 100 kB.
      let full = try program.run(limits: "trap '' XFSZ; ulimit -f 16")
      let line = try #require(full.errors.split(separator: "\n").last)
      let place = ".safetensors: File too large; the last whole checkpoint is \(program.folder)/checkpoint-00000012.safetensors"
      #expect(full.status == 1 && line.hasPrefix("error: writing \(program.folder)/") && line.hasSuffix(place), "\(full)")
      #expect(try program.contents("checkpoint-00000012.safetensors") == before)
      #expect(try files(program.folder).allSatisfy { !$0.hasPrefix(".") })
      #expect(try program.run().status == 0)
      let steps = try metrics(program.folder).filter { $0.contains("\"loss\"") }
      #expect(steps.map { $0.prefix(14) } == (1...60).map { "{\"step\": \($0), \"epoch\"".prefix(14) })
    }
  }
}

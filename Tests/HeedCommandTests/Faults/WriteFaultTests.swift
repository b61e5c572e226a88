import Foundation
import Heed
import Testing

/// Calls of the system that fail, at each place where a command writes: the old file or the new one is there, whole, and one line says what
/// went wrong. `make test-faults` has more kinds of failures.
@Suite(.enabled(if: Fault.library != nil)) struct WriteFaultTests {
  private static let isLong = ProcessInfo.processInfo.environment["HEED_LONG_FAULTS"] != nil

  /// What fails, and whether the command must do without any harm.
  private static let faults: [(fault: Fault, isHarmless: Bool)] =
    [
      (Fault(call: "write", effect: "ENOSPC", stays: true), false), (Fault(call: "write", effect: "half", stays: true), true),
      (Fault(call: "write", effect: "EINTR"), true), (Fault(call: "create", effect: "ENOSPC"), false),
      (Fault(call: "rename", effect: "EIO"), false), (Fault(call: "close", effect: "EIO"), false),
    ] + (isLong ? more : [])

  private static let more: [(fault: Fault, isHarmless: Bool)] = [
    (Fault(call: "write", effect: "EIO"), false), (Fault(call: "write", effect: "EDQUOT", stays: true), false),
    (Fault(call: "write", effect: "half"), true), (Fault(call: "create", effect: "EMFILE"), false),
    (Fault(call: "create", effect: "EINTR"), true), (Fault(call: "close", effect: "EINTR", stays: true), true),
    (Fault(call: "fsync", effect: "EIO"), false), (Fault(call: "fsync", effect: "EINTR"), true),
    (Fault(call: "ftruncate", effect: "EIO"), false), (Fault(call: "mkdir", effect: "ENOSPC"), false),
  ]

  @Test(arguments: Writer.all) func everyCallFailsOnce(_ writer: Writer) throws {
    var total = 0
    try Writer.withFolder { folder in
      let usual = try writer.run(folder)
      try #require(usual.status == 0, "\(usual.errors)")
      for name in writer.files { try FileBytes.write("old", to: "\(folder)/\(name)") }
      for (fault, isHarmless) in Self.faults {
        let step = fault.stays && isHarmless ? Int.max / 2 : Self.isLong ? 1 : writer.step
        total += try forEachCall(fault, in: folder, step: step) { fault, environment in
          try Self.prepare(writer, folder)
          let before = writer.contents(folder)
          let result = try writer.run(folder, environment)
          let after = writer.contents(folder)
          let note: Comment = "\(writer.testDescription) \(fault): \(result.status) \(result.errors)"
          let mayFail = !isHarmless && (!writer.isOptional || result.errors.contains("standard output"))
          #expect(result.status == 0 || result.status == 1 && mayFail, note)
          if result.status == 1 {
            // Each file is as it was, or is new, as the others would be.
            #expect(zip(before, after).allSatisfy { $0 == $1 || ($1?.count ?? 0) > 3 }, note)
            #expect(Self.errorLines(result) == 1, note)
          } else {
            #expect(after.allSatisfy { ($0?.count ?? 0) > 3 }, note)
            #expect(Self.errorLines(result) == 0, note)
            if writer.testDescription == "vectors" { #expect(result.output == usual.output, note) }
          }
          #expect(Writer.parts(folder) == [], note)
        }
      }
      // And after all that it works.
      try Self.prepare(writer, folder)
      #expect(try writer.run(folder).status == 0)
      #expect(writer.contents(folder).allSatisfy { ($0?.count ?? 0) > 3 })
    }
    if Self.isLong { print("\(writer.testDescription): \(total) calls failed") }
  }

  /// What ends the process at each call that writes, creates or renames, before it or in the middle of it.
  @Test(arguments: Writer.all) func everyCallIsTheLast(_ writer: Writer) throws {
    let faults =
      [("write", "half-kill"), ("rename", "kill")]
      + (Self.isLong ? [("write", "kill"), ("create", "kill"), ("close", "kill")] : [])
    try Writer.withFolder { folder in
      let done = try writer.run(folder)
      try #require(done.status == 0, "\(done.errors)")
      for name in writer.files { try FileBytes.write("old", to: "\(folder)/\(name)") }
      for (call, effect) in faults {
        try forEachCall(Fault(call: call, effect: effect), in: folder, step: Self.isLong ? 1 : writer.step) { fault, environment in
          try Self.prepare(writer, folder)
          let before = writer.contents(folder)
          let result = try writer.run(folder, environment)
          let note: Comment = "\(writer.testDescription) \(fault): \(result.errors)"
          for (old, new) in zip(before, writer.contents(folder)) { #expect(new == old || (new?.count ?? 0) > 3, note) }
          // The next process reads the old or the new, or nothing, and does all that there is to do.
          let next = try writer.run(folder)
          #expect(next.status == 0 && Self.errorLines(next) == 0, "\(note), then \(next.errors)")
          #expect(writer.contents(folder).allSatisfy { ($0?.count ?? 0) > 3 }, note)
          for name in writer.files { try FileBytes.write("old", to: "\(folder)/\(name)") }
        }
      }
    }
  }

  private static func prepare(_ writer: Writer, _ folder: String) throws {
    // A run of training goes on from its checkpoints, and the cache has what is compiled: both begin anew.
    for name in ["out.run", "model.run", "objects"] { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
  }

  private static func errorLines(_ result: CommandResult) -> Int {
    result.errors.split(separator: "\n").count { $0.hasPrefix("error: ") }
  }
}

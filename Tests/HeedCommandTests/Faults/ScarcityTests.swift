import Foundation
import Heed
import Testing

/// Threads, pages and memory that the system does not grant to a command.
@Suite struct ScarcityTests {
  /// A thread that cannot be started: fewer work, with the same bits.
  @Test(.enabled(if: Fault.library != nil)) func threads() throws {
    try Writer.withFolder { folder in
      let run = "HEED_THREADS=4 $heed run double.heed --input x=x.npy --output y=out.npy"
      let writer = Writer("threads", run, ["out.npy"])
      try #require(try writer.run(folder).status == 0)
      let expected = writer.contents(folder)
      let count = try forEachCall(Fault(call: "thread", effect: "EAGAIN", stays: true), in: folder) { fault, environment in
        let result = try writer.run(folder, environment)
        #expect(result.status == 0 && result.errors.isEmpty && writer.contents(folder) == expected, "\(fault): \(result.errors)")
      }
      #expect(count >= 3)
    }
  }

  /// Pages that cannot be mapped, or made executable: an error in one line, or no need of them.
  @Test(.enabled(if: Fault.library != nil), arguments: ["mmap", "mprotect"]) func pages(_ call: String) throws {
    try Writer.withFolder { folder in
      let writer = Writer("pages", "$heed run double.heed --input x=x.npy --output y=out.npy", ["out.npy"])
      try #require(try writer.run(folder).status == 0)
      let expected = writer.contents(folder)
      var statuses: [Int32: Int] = [:]
      try forEachCall(Fault(call: call, effect: "ENOMEM"), in: folder) { fault, environment in
        let result = try writer.run(folder, environment)
        statuses[result.status, default: 0] += 1
        if result.status == 0 {
          #expect(writer.contents(folder) == expected, "\(fault)")
        } else {
          #expect(
            result.status == 1 && result.errors.hasPrefix("error: ") && result.errors.split(separator: "\n").count == 1,
            "\(fault): \(result.status) \(result.errors)")
        }
      }
      #expect(!statuses.isEmpty)
      // None at all: what comes from the cache does not link, and what is compiled again does not either.
      let none = try writer.run(folder, Fault(call: call, effect: "ENOMEM", stays: true).environment(mark: folder + "/.mark"))
      #expect(none.status == 1 && none.errors.split(separator: "\n").last?.hasPrefix("error: ") == true, "\(none.errors)")
    }
  }

  /// Ever less memory: the right result, one error, or the end of the process by the runtime of Swift or LLVM, which cannot be told to fail;
  /// never a wrong or half-written file, and never a process that does not end.
  @Test func addressSpace() throws {
    let isLong = ProcessInfo.processInfo.environment["HEED_LONG_FAULTS"] != nil
    try Writer.withFolder { folder in
      let writer = Writer(
        "memory", "ulimit -c 0; ulimit -v $kibibytes; exec timeout 60 $heed run double.heed --input x=x.npy --output y=out.npy",
        ["out.npy"])
      let plain = Writer("memory", "$heed run double.heed --input x=x.npy --output y=out.npy", ["out.npy"])
      var statuses: [Int32: Int] = [:]
      // What the loader alone needs is some 260 MB; the arrays have 20 MB each.
      try NumPyFile.write(NDArray(zeros: .f32, [5_000_000]), to: folder + "/x.npy")
      try #require(try plain.run(folder).status == 0)
      let expected = writer.contents(folder)
      var kibibytes = 380_000
      while kibibytes > 240_000 {
        try FileBytes.write("old", to: folder + "/out.npy")
        let limited = Writer("memory", writer.script.replacing("$kibibytes", with: "\(kibibytes)"), ["out.npy"])
        let result = try limited.run(folder, ["SWIFT_BACKTRACE": "enable=no"])
        statuses[result.status, default: 0] += 1
        let note: Comment = "\(kibibytes) KiB: \(result.status) \(result.errors)"
        #expect(result.status != 124, note)
        let contents = writer.contents(folder)
        #expect(result.status == 0 ? contents == expected : contents == [Array("old".utf8)], note)
        if result.status == 1 { #expect(result.errors.split(separator: "\n").count == 1, note) }
        #expect(Writer.parts(folder) == [] || result.status > 127, note)
        kibibytes -= isLong ? 500 : 6000
      }
      if isLong { print("ends of processes by status: \(statuses)") }
    }
  }
}

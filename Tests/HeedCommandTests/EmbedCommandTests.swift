import Foundation
import Heed
import HeedTestSupport
import Testing

/// `heed embed` on many lines.
@Suite struct EmbedCommandTests {
  private static let words = ["a", "b c", "d", "a a b", "c d a b d c"]

  private static func lines(_ range: Range<Int>) -> String {
    range.map { "{\"text\": \"\(words[$0 % words.count])\"}\n" }.joined()
  }

  /// More lines than are taken at once, in batches of any size: the same bytes, in order.
  @Test func batchesMakeNoDifference() throws {
    try withSmallModel { model in
      let command = ["embed", "--model", model, "--json"]
      let few = try heed(command, input: Self.lines(0..<5))
      #expect(few.status == 0, "\(few.errors)")
      let vectors = few.output.split(separator: "\n")
      try #require(vectors.count == 5)
      for arguments in [[], ["--batch", "1"], ["--batch", "100"], ["--batch", "9223372036854775807", "--threads", "1"]] {
        let many = try heed(command + arguments, input: Self.lines(0..<5003))
        #expect(many.status == 0, "\(many.errors)")
        let got = many.output.split(separator: "\n")
        #expect(got.count == 5003 && got.enumerated().allSatisfy { $1 == vectors[$0 % 5] }, "\(arguments)")
      }
      #expect(try heed("embed", "--model", model, "--batch", "0").status == 64)
      let help = try heed("embed", "--help").output
      #expect(help.contains("--batch") && help.contains("(default: \(SentenceEmbedder.defaultTokenLimit))"), "\(help)")
    }
  }

  @Test func aFewTextsAreCompared() throws {
    try withSmallModel { model in
      let three = try heed("embed", "--model", model, input: Self.lines(0..<3)).output
      #expect(three.contains("1. a\n") && three.contains("3. d\n") && three.contains("Cosine similarity:\n  1.00"))
      #expect(try !heed("embed", "--model", model, input: Self.lines(0..<21)).output.contains("Cosine"))
      #expect(try heed("embed", "--model", model).output.isEmpty)
    }
  }

  @Test func aTraceOfAllBatches() throws {
    try withSmallModel { model in
      let trace = model + "/trace.json"
      let result = try heed(
        "embed", "--model", model, "--json", "--batch", "8", "--trace", trace, input: Self.lines(0..<10))
      #expect(result.status == 0, "\(result.errors)")
      let text = try FileBytes.readText(trace)
      #expect(text.components(separatedBy: "\"attention\"").count > 2, "\(text.prefix(2000))")
    }
  }

  /// Output comes while input is still open, and the process needs no more memory for ten times as many lines.
  @Test(.timeLimit(.minutes(5))) func memoryDoesNotGrowWithTheInput() throws {
    try withSmallModel { model in
      let process = try heedProcess(["embed", "--model", model, "--json"])
      let (input, output) = (Pipe(), Pipe())
      (process.standardInput, process.standardOutput) = (input, output)
      try process.run()
      let count = Lock(0)
      let group = DispatchGroup()
      DispatchQueue.global().async(group: group) {
        while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
          let lines = data.count { $0 == UInt8(ascii: "\n") }
          count.withLock { $0 += lines }
        }
      }
      func peakKibibytes(afterLines number: Int) throws -> Int {
        while count.withLock({ $0 }) < number, process.isRunning { usleep(1000) }
        let status = try FileBytes.readText("/proc/\(process.processIdentifier)/status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split { !$0.isNumber }[0]))
      }
      let text = Data(Self.lines(0..<10_000).utf8)
      try input.fileHandleForWriting.write(contentsOf: text)
      let early = try peakKibibytes(afterLines: 4096)
      for _ in 0..<9 { try input.fileHandleForWriting.write(contentsOf: text) }
      let late = try peakKibibytes(afterLines: 90_000)
      try input.fileHandleForWriting.close()
      group.wait()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0 && count.withLock { $0 } == 100_000)
      #expect(late < early + (16 << 10), "\(early) KiB, then \(late) KiB")
    }
  }
}

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

  /// A long line takes less than five times its bytes, whatever is in it, and leaves nothing behind.
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      String(repeating: "word ", count: 2_000_000), String(repeating: "x", count: 10_000_000),
      String(repeating: "\u{434}", count: 5_000_000), String(repeating: "\u{ac00}\u{ac01}", count: 1_600_000),
      String(repeating: "e\u{301}\u{323}", count: 2_000_000), String(repeating: "\\n", count: 5_000_000),
      String(repeating: "\\u0434x", count: 1_400_000),
      "\", \"other\": [0" + String(repeating: ",1", count: 5_000_000) + "], \"b\": \"",
    ])
  func memoryOfALongLine(text: String) throws {
    try withSmallModel { model in
      let embedding = try Embedding(model)
      try embedding.write(Self.lines(0..<100))
      embedding.wait(forLines: 100)
      let before = try embedding.peakBytes()
      try embedding.write("{\"text\": \"\(text)\"}\n")
      embedding.wait(forLines: 101)
      let one = try embedding.peakBytes()
      #expect(one - before < 5 * text.utf8.count, "\(one - before) bytes for a line of \(text.utf8.count)")
      for _ in 0..<3 { try embedding.write("{\"text\": \"\(text)\"}\n") }
      embedding.wait(forLines: 104)
      #expect(try embedding.peakBytes() - before < 5 * text.utf8.count)
      #expect(try embedding.finish() == 104)
    }
  }

  /// A vector comes when its line does, whatever the batch may hold.
  @Test(.timeLimit(.minutes(2))) func vectorsComeAsTheyAreComputed() throws {
    try withSmallModel { model in
      let embedding = try Embedding(model, ["--batch", "100000"])
      for number in 1...5 {
        try embedding.write(Self.lines(0..<1))
        embedding.wait(forLines: number)
      }
      #expect(try embedding.finish() == 5)
    }
  }

  /// On a terminal one line says how far it is, and goes away; elsewhere there is none.
  @Test func progress() throws {
    try withSmallModel { model in
      let file = model + "/lines.jsonl"
      try FileBytes.write(Self.lines(0..<2000), to: file)
      let arguments = ["embed", "--model", model, "--json", "--batch", "64", "--input", file]
      let silent = try heed(arguments)
      #expect(silent.status == 0 && silent.errors.isEmpty)
      let (status, shown, output) = try onTerminal(arguments)
      #expect(status == 0 && output == silent.output)
      #expect(shown.contains(" texts, ") && shown.contains(" per second"), "\(shown)")
      #expect(shown.hasPrefix("\r") && shown.hasSuffix("\r\u{1b}[K") && !shown.contains("\n"), "\(shown)")
      // An error stands on a line of its own.
      try FileBytes.write(Self.lines(0..<60_000) + "{}\n", to: file)
      let failed = try onTerminal(arguments)
      #expect(failed.status == 1)
      #expect(failed.shown.contains("\r\u{1b}[K\(file):60001: error: got an object without"), "\(failed.shown)")
    }
  }

  /// A process that embeds lines of a pipe, and what it needs at most.
  private final class Embedding {
    private let process: Process
    private let (input, output) = (Pipe(), Pipe())
    private let count = Lock(0)
    private let group = DispatchGroup()

    init(_ model: String, _ arguments: [String] = []) throws {
      process = try heedProcess(["embed", "--model", model, "--json"] + arguments)
      (process.standardInput, process.standardOutput) = (input, output)
      try process.run()
      DispatchQueue.global().async(group: group) { [output, count] in
        while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
          let lines = data.count { $0 == UInt8(ascii: "\n") }
          count.withLock { $0 += lines }
        }
      }
    }

    func write(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    func wait(forLines number: Int) {
      while count.withLock({ $0 }) < number, process.isRunning { usleep(1000) }
    }

    /// The most memory that the process had.
    func peakBytes() throws -> Int {
      let status = try FileBytes.readText("/proc/\(process.processIdentifier)/status")
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
      return try #require(Int(line.split { !$0.isNumber }[0])) << 10
    }

    /// Ends the input; returns the number of lines.
    func finish() throws -> Int {
      try input.fileHandleForWriting.close()
      group.wait()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return count.withLock { $0 }
    }
  }

  /// Runs the command with standard error on a terminal; returns what was shown there.
  private func onTerminal(_ arguments: [String]) throws -> (status: Int32, shown: String, output: String) {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    try #require(terminal >= 0)
    // Linux's TIOCSPTLCK and TIOCGPTN: the other side is unlocked, and has this number.
    var (lock, number): (Int32, UInt32) = (0, 0)
    try #require(ioctl(terminal, 0x4004_5431, &lock) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
    let side = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(side >= 0)
    let process = try heedProcess(arguments)
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle(fileDescriptor: side))
    try process.run()
    close(side)
    let shown = Lock("")
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      var buffer = [UInt8](repeating: 0, count: 4096)
      // It ends with an error when nobody has the other side.
      while case let count = read(terminal, &buffer, buffer.count), count > 0 {
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        shown.withLock { $0 += text }
      }
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    group.wait()
    close(terminal)
    return (process.terminationStatus, shown.withLock { $0 }, text)
  }

  /// Output comes while input is still open, and the process needs no more memory for ten times as many lines.
  @Test(.timeLimit(.minutes(5))) func memoryDoesNotGrowWithTheInput() throws {
    try withSmallModel { model in
      let embedding = try Embedding(model)
      let text = Self.lines(0..<10_000)
      try embedding.write(text)
      embedding.wait(forLines: 4096)
      let early = try embedding.peakBytes()
      for _ in 0..<9 { try embedding.write(text) }
      embedding.wait(forLines: 90_000)
      let late = try embedding.peakBytes()
      #expect(try embedding.finish() == 100_000)
      #expect(late < early + (16 << 20), "\(early) bytes, then \(late)")
    }
  }
}

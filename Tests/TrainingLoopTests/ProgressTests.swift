import Foundation
import Heed
import HeedTestSupport
import Testing

/// What a run says on standard error.
@Suite(.serialized) struct ProgressTests {
  /// No terminal: lines at every hundredth step and the last one, evaluations, and what is saved.
  @Test func lines() throws {
    try withTemporaryFolder { parent in
      var program = try Program(in: parent)
      (program.steps, program.checkpointInterval) = (250, 125)
      let result = try program.run()
      let lines = result.errors.split(separator: "\n").map(String.init)
      #expect(result.status == 0 && lines.count == 6, "\(result.errors)")
      #expect(lines.allSatisfy { !$0.contains("\r") && !$0.contains("\u{1b}") })
      for (line, step) in zip([lines[0], lines[2], lines[3]], [100, 200, 250]) {
        let form = try Regex("step \(step) of 250  loss [0-9.]+  rate [0-9.e-]+  [0-9]+ tokens/s  0:0[0-9] left")
        #expect(line.wholeMatch(of: form) != nil, "\(line)")
      }
      #expect(lines[1].hasPrefix("step 125  evaluation: loss ") && lines[1].hasSuffix(", the best so far"), "\(lines[1])")
      #expect(lines[5] == "step 250: done; saved \(program.folder)/\(program.checkpoint(250))", "\(lines[5])")
    }
  }

  /// A terminal: one line that is written again, no wider than the terminal, and evaluations that stay.
  @Test func terminal() throws {
    try withTemporaryFolder { parent in
      var program = try Program(in: parent)
      (program.steps, program.checkpointInterval) = (250, 125)
      let (process, _) = try program.process()
      let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
      // TIOCSPTLCK and TIOCGPTN, which are macros that Swift does not see: unlocks the other end, and asks for its number.
      var (lock, number): (Int32, Int32) = (0, 0)
      try #require(terminal >= 0 && ioctl(terminal, 0x4004_5431, &lock) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
      var size = winsize(ws_row: 24, ws_col: 40, ws_xpixel: 0, ws_ypixel: 0)
      #expect(ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
      let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      process.standardError = FileHandle(fileDescriptor: other)
      try process.run()
      close(other)
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 4096)
      // At the end of the process the read fails.
      while case let count = read(terminal, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
      close(terminal)
      process.waitUntilExit()
      let text = String(decoding: bytes, as: UTF8.self)
      let statuses = text.split(separator: "\r").filter { $0.contains(" of 250  loss ") }
      #expect(process.terminationStatus == 0 && statuses.count >= 2 && statuses.count < 100, "\(text)")
      #expect(statuses.allSatisfy { $0.hasSuffix("\u{1b}[K") && $0.dropLast(3).count <= 39 }, "\(text)")
      #expect(text.contains("\r\u{1b}[Kstep 125  evaluation: loss ") && text.contains("step 250: done; saved "), "\(text)")
    }
  }

  @Test func numbersBelowOne() async throws {
    try await withTemporaryFolder { folder in
      let problem = try SmallProblem()
      var trainer = try problem.trainer(folder)
      trainer.checkpointInterval = 0
      let text = await message { try await trainer.train(from: problem.initial) }
      #expect(text == "error: got a checkpoint every 0 steps, expected at least 1")
      #expect(try files(folder).isEmpty)
    }
  }
}

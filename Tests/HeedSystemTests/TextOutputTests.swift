import Foundation
import HeedIR
import HeedSystem
import Testing

/// Text to files that fail, and the streams that a command starts with.
@Suite struct TextOutputTests {
  /// The message of the error that `body` throws.
  private func message(_ body: () throws -> Void) -> String? {
    do { try body() } catch let error as HeedError { return error.message } catch { return "\(error)" }
    return nil
  }

  private func withFull(_ body: (Descriptor) throws -> Void) throws {
    let file = open("/dev/full", O_WRONLY)
    try #require(file >= 0)
    defer { close(file) }
    try body(Descriptor(file))
  }

  @Test func aFullFileIsAnErrorOnceWritten() throws {
    try withFull { file in
      let output = TextOutput(file, name: "the result", byteLimit: 10)
      try output.write("short")
      #expect(message { try output.write("and long") } == "writing the result: No space left on device")
      // It stays one: nothing after a gap.
      #expect(message { try output.write("a") } == "writing the result: No space left on device")
      #expect(message { try output.finish() } == "writing the result: No space left on device")
    }
  }

  @Test func whatIsLeftInTheBufferFailsAtTheEnd() throws {
    try withFull { file in
      let output = TextOutput(file, name: "the result")
      try output.write("short")
      #expect(message { try output.finish() } == "writing the result: No space left on device")
    }
  }

  @Test func nothingWrittenIsNoError() throws {
    try withFull { try TextOutput($0, name: "the result").finish() }
    try TextOutput(Descriptor(1 << 20), name: "the result").finish()
  }

  @Test func aClosedFileIsAnError() {
    let output = TextOutput(Descriptor(1 << 20), name: "the result")
    #expect(message { try output.write("text") } == nil)
    #expect(message { try output.flush() } == "writing the result: Bad file descriptor")
  }

  @Test func aPipeThatNoOneReadsIsAnError() throws {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    let output = TextOutput(Descriptor(ends[1]), name: "the result", byteLimit: 0)
    #expect(throws: BrokenPipe.self) { try output.write("text") }
    #expect(throws: BrokenPipe.self) { try FileBytes.write("text", to: "/dev/fd/\(ends[1])") }
    close(ends[1])
  }

  @Test func aBusyPipeIsWaitedFor() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    let text = String(repeating: "0123456789abcdef", count: 1 << 16)
    let reader = Descriptor(ends[0])
    let received = Lock<Int>(0)
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      var buffer = [UInt8](repeating: 0, count: 1 << 12)
      while let count = try? buffer.withUnsafeMutableBytes(reader.read), count > 0 { received.withLock { $0 += count } }
    }
    let output = TextOutput(Descriptor(ends[1]), name: "the pipe")
    try output.write(text)
    try output.finish()
    group.wait()
    #expect(received.withLock { $0 } == text.utf8.count)
    try reader.close()
  }
}

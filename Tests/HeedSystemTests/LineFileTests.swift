import Foundation
import HeedIR
import HeedSystem
import HeedTestSupport
import Testing

/// Files that grow line by line.
@Suite struct LineFileTests {
  @Test func linesAreAppended() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/lines"
      var file: LineFile? = try LineFile(path: path)
      try file?.append("one")
      try file?.append("")
      #expect(try FileBytes.readText(path) == "one\n\n")
      file = nil
      let again = try LineFile(path: path)
      #expect(try again.byteCount() == 5)
      try again.cut(to: 4)
      try again.append("two")
      try again.synchronize()
      #expect(try FileBytes.readText(path) == "one\ntwo\n")
    }
  }

  @Test func oneWriter() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/lines"
      var first: LineFile? = try LineFile(path: path)
      #expect(throws: HeedError("opening \(path): another process writes to it")) { _ = try LineFile(path: path) }
      try first?.append("one")
      first = nil
      _ = try LineFile(path: path)
    }
  }

  @Test func whatCannotBeWritten() throws {
    let full = try LineFile(path: "/dev/full")
    #expect(throws: HeedError("writing /dev/full: No space left on device")) { try full.append("one") }
    #expect(throws: HeedError("opening /nowhere/lines: No such file or directory")) { _ = try LineFile(path: "/nowhere/lines") }
  }
}

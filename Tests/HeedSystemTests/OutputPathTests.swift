import Foundation
import HeedIR
import HeedSystem
import HeedTestSupport
import Testing

/// Two outputs in one file are found before the work.
@Suite struct OutputPathTests {
  private func message(_ paths: [String]) -> String? {
    do {
      try FileBytes.check(paths.enumerated().map { OutputPath("--output \($0)", $1) })
      return nil
    } catch { return (error as? HeedError)?.message }
  }

  /// Spellings of one file, there or not: each pair is refused.
  @Test(arguments: [false, true]) func oneFile(isThere: Bool) throws {
    try withTemporaryFolder { folder in
      let manager = FileManager.default
      try manager.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
      try manager.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "file")
      try manager.createSymbolicLink(atPath: folder + "/inner/far", withDestinationPath: "../link")
      try manager.createSymbolicLink(atPath: folder + "/other", withDestinationPath: folder + "/inner/..")
      if isThere { try FileBytes.write("old", to: folder + "/file") }
      let names = ["file", "./file", "inner/../file", "link", "inner/far", "other/file", "other/link", "//file"]
      for (position, first) in names.enumerated() {
        for second in names[position...] {
          let paths = ["\(folder)/\(first)", "\(folder)/\(second)"]
          let same = first == second ? "also" : "the same file as \(paths[0])"
          #expect(
            message(paths) == "got \(paths[1]) for --output 1, \(same) for --output 0, expected a file for each", "\(paths)")
        }
      }
      #expect(message(["\(folder)/file", "\(folder)/inner/file", "\(folder)/File", "\(folder)/other/inner/file2"]) == nil)
      #expect(try manager.contentsOfDirectory(atPath: folder).count == (isThere ? 4 : 3), "nothing is made")
    }
  }

  /// What is written as it is may take several outputs.
  @Test func devices() throws {
    try withTemporaryFolder { folder in
      mkfifo(folder + "/pipe", 0o600)
      #expect(message(["/dev/null", "/dev/null", folder + "/pipe", folder + "/pipe"]) == nil)
    }
  }

  @Test func whatCannotBeWritten() throws {
    try withTemporaryFolder { folder in
      #expect(message([folder + "/a/b"]) == "creating a file beside \(folder)/a/b: No such file or directory")
      #expect(message([folder]) == "opening \(folder): Is a directory")
      #expect(message(["a\0b"]) == "got a path with a zero byte in it")
    }
  }
}

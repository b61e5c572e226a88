import Foundation
import HeedIR
import HeedSystem
import HeedTestSupport
import Testing

/// Files written beside and renamed.
@Suite struct FileBytesTests {
  private func names(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

  private func status(_ path: String) throws -> stat {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return status
  }

  @Test func aNewFileHasTheUsualPermissions() throws {
    try withTemporaryFolder { folder in
      try FileBytes.write("text", to: folder + "/new")
      try Data().write(to: URL(fileURLWithPath: folder + "/usual"))
      #expect(try FileBytes.readText(folder + "/new") == "text")
      #expect(try status(folder + "/new").st_mode == status(folder + "/usual").st_mode)
      #expect(try names(folder) == ["new", "usual"])
    }
  }

  @Test func anOldFileIsReplacedAndKeepsItsPermissions() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/file"
      try FileBytes.write("old and longer", to: path)
      chmod(path, 0o640)
      let old = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      try FileBytes.write("new", to: path)
      #expect(try FileBytes.readText(path) == "new")
      #expect(try status(path).st_mode & 0o7777 == 0o640)
      // Who has it open still reads the old file, whole.
      #expect(try old.readToEnd() == Data("old and longer".utf8))
      #expect(try names(folder) == ["file"])
    }
  }

  @Test func theTargetOfALinkIsReplaced() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: false)
      for (link, target) in [("/first", "second"), ("/second", "inner/file"), ("/absolute", folder + "/inner/other")] {
        try FileManager.default.createSymbolicLink(atPath: folder + link, withDestinationPath: target)
      }
      for text in ["new", "newer"] {
        // At first the links lead to nothing.
        try FileBytes.write(text, to: folder + "/first")
        try FileBytes.write(text, to: folder + "/absolute")
        #expect(try FileBytes.readText(folder + "/inner/file") == text)
        #expect(try FileBytes.readText(folder + "/inner/other") == text)
      }
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/first") == "second")
      #expect(try names(folder + "/inner") == ["file", "other"])
      try FileManager.default.createSymbolicLink(atPath: folder + "/circle", withDestinationPath: "circle")
      #expect(throws: HeedError("opening \(folder)/circle: Too many levels of symbolic links")) {
        try FileBytes.write("text", to: folder + "/circle")
      }
    }
  }

  @Test func specialFilesAreWrittenAsTheyAre() throws {
    try FileBytes.write("text", to: "/dev/null")
    #expect(throws: HeedError("writing /dev/full: No space left on device")) { try FileBytes.write("text", to: "/dev/full") }
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      try #require(mkfifo(path, 0o600) == 0)
      let text = Lock("")
      let group = DispatchGroup()
      DispatchQueue.global().async(group: group) {
        let read = (try? FileBytes.readText(path)) ?? "nothing"
        text.withLock { $0 = read }
      }
      try FileBytes.write("through the pipe", to: path)
      group.wait()
      #expect(text.withLock { $0 } == "through the pipe")
      #expect(try status(path).st_mode & S_IFMT == S_IFIFO)
      // An open file by its number, as /dev/stdout is: not replaced.
      let file = open(folder + "/open", O_RDWR | O_CREAT, 0o600)
      let before = try status(folder + "/open").st_ino
      try FileBytes.write("text", to: "/proc/self/fd/\(file)")
      #expect(try FileBytes.readText(folder + "/open") == "text")
      #expect(try status(folder + "/open").st_ino == before)
      close(file)
    }
  }

  @Test func failuresNameThePath() throws {
    try withTemporaryFolder { folder in
      #expect(throws: HeedError("creating a file beside \(folder)/a/b: No such file or directory")) {
        try FileBytes.write("text", to: folder + "/a/b")
      }
      #expect(throws: HeedError("opening \(folder): Is a directory")) { try FileBytes.write("text", to: folder) }
      #expect(throws: HeedError("got a path with a zero byte in it")) { try FileBytes.write("text", to: folder + "/a\0b") }
      let left = try names(folder)
      #expect(left == [])
    }
  }

  @Test func linesComeOneByOne() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/lines"
      // About the size of the reader's buffer, and several times that.
      for lengths in [[0], [0, 0, 3], [1 << 16], [(1 << 16) - 1, 1], [(1 << 16) - 2, 5, 0, 200_000, 7]] {
        let lines = lengths.map { String(repeating: "x", count: $0) }
        for end in ["", "\n"] {
          try FileBytes.write(lines.joined(separator: "\n") + end, to: path)
          let reader = try LineReader(path)
          var got: [String] = []
          while let line = try reader.next() { got.append(String(decoding: line, as: UTF8.self)) }
          // Without an end an empty last line is none.
          let expected = end.isEmpty && lines.last == "" ? lines.dropLast() : lines[...]
          #expect(got == Array(expected), "\(lengths)")
          #expect(try reader.next() == nil)
        }
      }
      let reader = try LineReader(folder)
      #expect(throws: HeedError("reading \(folder): Is a directory")) { _ = try reader.next() }
      #expect(throws: HeedError("opening \(folder)/none: No such file or directory")) { _ = try LineReader(folder + "/none") }
    }
  }

  /// What a process that was killed while it wrote leaves goes away; what one that lives is writing stays.
  @Test func partsOfProcessesThatHaveEnded() throws {
    try withTemporaryFolder { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/true")
      try process.run()
      process.waitUntilExit()
      let own = ".heed-\(getpid())-0f"
      for name in [".heed-\(process.processIdentifier)-1a", own, ".heed-", ".heed-x-1", "file"] {
        try Data().write(to: URL(fileURLWithPath: folder + "/" + name))
      }
      FileBytes.removeAbandonedParts(in: folder)
      #expect(try names(folder) == [".heed-", own, ".heed-x-1", "file"].sorted())
    }
  }

  @Test func durableFilesHaveTheSameBytes() throws {
    try withTemporaryFolder { folder in
      try Array("text".utf8).withUnsafeBytes { try FileBytes.write([$0], to: folder + "/file", durably: true) }
      #expect(try FileBytes.readText(folder + "/file") == "text" && names(folder) == ["file"])
      // Devices have no disk to wait for.
      try Array("text".utf8).withUnsafeBytes { try FileBytes.write([$0], to: "/dev/null", durably: true) }
    }
  }
}

import Foundation
import Heed
import HeedTestSupport
import Testing

/// Files that the command writes: whole, or as they were before.
@Suite struct OutputFileTests {
  /// A folder with a graph and a large input.
  private func withLargeRun(_ body: (_ folder: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let graph = "graph @double(%x: f32[S]) {\n  %y = add %x, %x : f32[S]\n  return %y\n}\n"
      try graph.write(toFile: folder + "/double.heed", atomically: true, encoding: .utf8)
      try causal.write(toFile: folder + "/causal.heed", atomically: true, encoding: .utf8)
      try NumPyFile.write(noise([100_000], 1), to: folder + "/x.npy")
      try body(folder)
    }
  }

  private static let run = "$heed run double.heed --input x=x.npy"

  /// Two outputs in one file: refused before anything is read or written, however the file is spelled.
  @Test(arguments: [
    ("--output y=a.npy --output y=./a.npy", "got ./a.npy for --output y, the same file as a.npy for --output y"),
    ("--output y=a.npy --trace a.npy", "got a.npy for --trace, also for --output y"),
    ("--output y=inner/a.npy --output y=link/a.npy", "the same file as inner/a.npy for --output y"),
    ("--gradient x=a.npy --cotangent y=x.npy --output y=$PWD/a.npy", "got a.npy for --gradient x, the same file as /"),
    ("--derivative y=a.npy --tangent x=x.npy --output y=a.npy", "got a.npy for --derivative y, also for --output y"),
    ("--output y=none/a.npy", "creating a file beside none/a.npy: No such file or directory"),
    ("--output y=inner", "opening inner: Is a directory"),
  ])
  func outputsAreFilesOfTheirOwn(options: String, message: String) throws {
    try withLargeRun { folder in
      let result = try shell("cd \(folder); mkdir inner; ln -s inner link; $heed run double.heed --input x=missing.npy \(options)")
      expectFailure(result, message)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 5)
      let bench = try shell(
        "cd \(folder); $heed bench gemm --m 8 --n 8 --k 8 --seconds 0 --trace none.json --roofline ./none.json")
      expectFailure(bench, "got ./none.json for --roofline, the same file as none.json for --trace, expected a file for each")
      #expect(bench.output.isEmpty)
    }
  }

  /// Pipes and devices take several.
  @Test func devicesTakeSeveralOutputs() throws {
    try withLargeRun { folder in
      let run = "cd \(folder); ln -s /dev/null a.npy; ln -s /dev/null b.npy; \(Self.run) --output y=a.npy --output y=b.npy"
      let result = try shell(run)
      #expect(result.status == 0, "\(result.errors)")
    }
  }

  /// An output in the place of an input, read whole or mapped, by its name or through a link.
  @Test(arguments: ["npy", "safetensors"]) func anOutputInPlaceOfAnInput(format: String) throws {
    try withLargeRun { folder in
      let x = try NumPyFile.read(folder + "/x.npy")
      let file = "\(folder)/z.\(format)"
      try ArrayFile.write(x, name: "x", to: file)
      chmod(file, 0o640)
      var expected = try x.floats()
      for names in [("z", "z"), ("link", "z"), ("z", "link")] {
        let link = "cd \(folder); ln -sf z.\(format) link.\(format)"
        let result = try shell("\(link); $heed run double.heed --input x=\(names.0).\(format) --output y=\(names.1).\(format)")
        #expect(result.status == 0, "\(result.errors)")
        expected = expected.map { 2 * $0 }
        let array = try ArrayFile.read(file, name: "y")
        #expect(try array.floats() == expected)
        var status = stat()
        #expect(lstat(file, &status) == 0 && status.st_mode & 0o7777 == 0o640 && status.st_mode & S_IFMT == S_IFREG)
      }
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link.\(format)") == "z.\(format)")
    }
  }

  @Test func statesInPlace() throws {
    try withTemporaryFolder { folder in
      let graph = "graph @sum(%x: f32[S], state %n: f32[S]) {\n  %m = add %n, %x : f32[S]\n  update %n = %m\n  return %m\n}\n"
      try FileBytes.write(graph, to: folder + "/sum.heed")
      try NumPyFile.write(noise([1000], 1), to: folder + "/x.npy")
      try GraphState(["n": noise([1000], 2)]).write(to: folder + "/state.safetensors")
      let x = try noise([1000], 1).floats()
      let expected = try zip(noise([1000], 2).floats(), x).map { $0 + $1 + $1 }
      for _ in 0..<2 {
        let files = "--state state.safetensors --save-state state.safetensors"
        let result = try shell("cd \(folder); $heed run sum.heed --input x=x.npy \(files)")
        #expect(result.status == 0, "\(result.errors)")
      }
      let got = try #require(GraphState(contentsOf: folder + "/state.safetensors")["n"]).floats()
      #expect(zip(got, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  /// A disk that is full, as far as a process can make one: its files may have no byte.
  @Test(arguments: [
    "\(run) --output y=result.npy", "\(run) --output y=result.safetensors", "\(run) --trace result.json",
    "$heed explain causal.heed --tiles result.svg --size B=1 --size S=2000",
    "$heed bench gemm --m 8 --n 8 --k 8 --seconds 0 --roofline result.svg",
  ])
  func aFailureLeavesTheOldFile(command: String) throws {
    try withLargeRun { folder in
      let name = try #require(command.split { " =".contains($0) }.first { $0.hasPrefix("result.") })
      let before = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      // No file before: none after.
      let fresh = try shell("cd \(folder); ulimit -f 0; \(command) >/dev/null")
      #expect(fresh.status == 1 && fresh.errors.contains("error: writing \(name): File too large"), "\(fresh.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == before)

      try FileBytes.write("old", to: "\(folder)/\(name)")
      let over = try shell("cd \(folder); ulimit -f 0; \(command) >/dev/null")
      #expect(over.status == 1, "\(over.errors)")
      #expect(try FileBytes.readText("\(folder)/\(name)") == "old")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == (before + [String(name)]).sorted())

      let done = try shell("cd \(folder); \(command) >/dev/null")
      #expect(done.status == 0, "\(done.errors)")
      #expect(try FileBytes.read("\(folder)/\(name)").count > 100)
    }
  }

  /// A process that is killed while it writes: the old file, or the new one, and never a part.
  @Test func aKilledProcessLeavesTheOldFile() throws {
    try withLargeRun { folder in
      try NumPyFile.write(NDArray(zeros: .f32, [20_000_000]), to: folder + "/x.npy")
      let whole = try FileBytes.read(folder + "/x.npy").count
      var killed = 0
      for _ in 0..<5 {
        try FileBytes.write("old", to: folder + "/result.npy")
        let files = ["--input", "x=\(folder)/x.npy", "--output", "y=\(folder)/result.npy"]
        let process = try heedProcess(["run", folder + "/double.heed"] + files)
        try process.run()
        // Until the new file is there, under the name that it has meanwhile.
        while process.isRunning {
          let names = try FileManager.default.contentsOfDirectory(atPath: folder)
          if names.contains(where: { $0.hasPrefix(".heed-") }) { break }
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let size = try FileBytes.read(folder + "/result.npy").count
        #expect(size == 3 || size == whole)
        if size == 3 { killed += 1 }
      }
      #expect(killed > 0)
    }
  }

  @Test func specialFiles() throws {
    try withLargeRun { folder in
      #expect(try shell("cd \(folder); ln -s /dev/null null.npy; \(Self.run) --output y=null.npy").status == 0)
      let result = try shell(
        """
        cd \(folder); ln -s double.npy link.npy; mkfifo pipe.npy; cat pipe.npy > piped.npy &
        \(Self.run) --output y=link.npy && \(Self.run) --output y=pipe.npy && wait && cmp piped.npy double.npy
        """)
      #expect(result.status == 0, "\(result.errors)")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link.npy") == "double.npy")
      expectFailure(
        try shell("cd \(folder); ln -s /dev/full full.npy; \(Self.run) --output y=full.npy"),
        "writing full.npy: No space left on device")
      let picture = try shell(
        "cd \(folder); ln -s /dev/stdout map.svg; $heed explain causal.heed --tiles map.svg --size B=1 --size S=9 | grep -c '</svg>'"
      )
      #expect(picture.output == "1\n", "\(picture.output) \(picture.errors)")
    }
  }

  /// The converter to PNG writes a part, and fails or does not.
  @Test func aPictureOfAnotherProgram() throws {
    try withLargeRun { folder in
      let tool = folder + "/rsvg-convert"
      for (status, content) in [(3, "old"), (0, "a part\n")] {
        try FileBytes.write("#!/bin/sh\ncat >/dev/null\necho a part\nexit \(status)\n", to: tool)
        chmod(tool, 0o755)
        try FileBytes.write("old", to: folder + "/map.png")
        let result = try shell(
          "cd \(folder); PATH=\(folder):$PATH $heed explain causal.heed --tiles map.png --size B=1 --size S=9 >/dev/null")
        if status == 0 {
          #expect(result.status == 0, "\(result.errors)")
        } else {
          expectFailure(result, "cannot write map.png: rsvg-convert failed with status 3")
        }
        #expect(try FileBytes.readText(folder + "/map.png") == content)
      }
    }
  }
}

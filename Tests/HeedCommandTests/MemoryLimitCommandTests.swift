import Foundation
import Heed
import HeedTestSupport
import Testing

/// `--memory-limit` and `--memory`.
@Suite struct MemoryLimitCommandTests {
  private static let graph = """
    graph @twice(%x: f32[S]) {
      %y = add %x, %x : f32[S]
      return %y
    }
    """

  private func withRun(_ body: (_ folder: String, _ run: [String]) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try FileBytes.write(Self.graph, to: folder + "/twice.heed")
      try NumPyFile.write(noise([131_072], 1), to: folder + "/x.npy")
      try body(folder, ["run", folder + "/twice.heed", "--input", "x=\(folder)/x.npy"])
    }
  }

  /// Units are those of GNU's tools. The call takes 2^20 bytes.
  @Test func units() throws {
    try withRun { _, run in
      for text in ["1048576", "1048576B", "1024K", "1024KiB", "1024kib", "1M", "1MiB", "1.0MiB", "2MB", "1.049MB", "1GiB"] {
        let result = try heed(run + ["--memory-limit", text])
        #expect(result.status == 0, "\(text): \(result.errors)")
      }
      for (text, limit) in [("1048575", 1_048_575), ("1023KiB", 1_047_552), ("1MB", 1_000_000), ("0.5MiB", 524_288), ("0", 0)] {
        expectFailure(
          try heed(run + ["--memory-limit", text]),
          "got a memory limit of \(limit) bytes at S = 131072, expected at least 1048576: ")
      }
      for text in [
        "MB", "1 MB x", "1XB", "-1", "1e9", "0x10", "1.2.3MB", "9999999TiB", "9223372036854775808", ".", "1IB", "nan",
      ] {
        let result = try heed(run + ["--memory-limit=\(text)"])
        #expect(result.status == 64, "'\(text)' \(result.errors)")
        #expect(
          result.errors.contains("got '\(text)', expected a number of bytes below 2^63, such as 2GiB, 512MB or 1000000"),
          "\(result.errors)")
      }
    }
  }

  /// The error names the largest buffers, and nothing is written.
  @Test func aCallThatNeedsMore() throws {
    try withRun { folder, run in
      let result = try heed(run + ["--memory-limit", "1MB", "--output", "y=\(folder)/y.npy"])
      expectFailure(
        result,
        "@twice: got a memory limit of 1000000 bytes at S = 131072, expected at least 1048576: 1048576 of arguments and results, 0 of "
          + "workspace, the largest %x: f32[131072] (524288), %y: f32[131072] (524288)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/y.npy"))
      #expect(try heed(run + ["--interpret", "--memory-limit", "1MB"]).status == 64)
      #expect(try heed(run + ["--interpret", "--memory"]).status == 64)
    }
  }

  /// What is computed again so that the limit holds changes no bit.
  @Test func aCallThatIsMadeToFit() throws {
    try withTemporaryFolder { folder in
      var (body, last) = ("", "%x")
      for layer in 0..<6 {
        body += "  %a\(layer) = contract \(last), %w {subscripts = \"si,io->so\"} : f32[S, 64]\n"
        body += "  %b\(layer) = gelu %a\(layer) : f32[S, 64]\n"
        last = "%b\(layer)"
      }
      body += "  %y = reduce \(last) {dims = [0, 1], kind = add} : f32\n  return %y\n"
      let graph = "graph @layers(%x: f32[S, 64], parameter %w: f32[64, 64]) {\n\(body)}\n"
      try FileBytes.write(graph, to: folder + "/layers.heed")
      try NumPyFile.write(noise([1000, 64], 1), to: folder + "/x.npy")
      try NumPyFile.write(noise([64, 64], 2), to: folder + "/w.npy")
      let script = "cd \(folder); $heed run layers.heed --input x=x.npy --input w=w.npy --gradient w=dw.npy"
      let first = try shell(script + " --memory")
      try #require(first.status == 0, "\(first.errors)")
      let expected = try FileBytes.read(folder + "/dw.npy")
      let second = try shell(script + " --memory --memory-limit 2.2MB")
      #expect(second.status == 0, "\(second.errors)")
      #expect(first.output.contains("in all") && second.output != first.output, "\(second.output)")
      #expect(try FileBytes.read(folder + "/dw.npy") == expected)
    }
  }

  @Test func memoryIsPrinted() throws {
    try withRun { _, run in
      let result = try heed(run + ["--memory"])
      let lines = result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      #expect(
        lines == ["Memory of a call", "524.3 kB  inputs", "524.3 kB  results", "1.0 MB  in all", "y: f32[131072]"], "\(lines)")
    }
  }

  @Test func embeddings() throws {
    try withSmallModel { model in
      let text = "{\"text\": \"a b c d a b c d\"}\n"
      let embed = ["embed", "--model", model, "--json"]
      let free = try heed(embed, input: String(repeating: text, count: 50))
      let generous = try heed(embed + ["--memory-limit", "1GiB"], input: String(repeating: text, count: 50))
      #expect(generous.status == 0 && generous.output == free.output, "\(generous.errors)")
      // A batch of many texts takes more than one of a single text.
      let small = try heed(embed + ["--memory-limit", "100KiB"], input: String(repeating: text, count: 500))
      expectFailure(small, "that takes ")
      #expect(small.errors.contains("expected at most the memory limit of 102400: "), "\(small.errors)")
      #expect(small.errors.contains("B = ") && small.errors.contains("T = "), "\(small.errors)")
      let one = try heed(embed + ["--memory-limit", "100KiB", "--batch", "1"], input: String(repeating: text, count: 50))
      #expect(one.status == 0 && one.output == free.output, "\(one.errors)")
      expectFailure(try heed(embed + ["--memory-limit", "1000"], input: text), "got parameters whose loading takes ")
    }
  }
}

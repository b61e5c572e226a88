import Foundation
import Heed
import HeedTestSupport
import Testing

/// `heed tune`: what it stores and who uses it. What is fastest is not looked at.
@Suite struct TuneCommandTests {
  private func run(_ folder: String, _ arguments: String..., environment: [String: String] = [:], input: String = "") throws
    -> CommandResult
  {
    try heed(arguments, input: input, environment: ["HEED_CACHE": folder].merging(environment) { $1 })
  }

  @Test func tunesAndExplains() throws {
    try withTemporaryFolder { folder in
      #expect(try !run(folder, "explain", "-", input: causal).output.contains("heed tune"))
      let tuned = try run(folder, "tune", "-", "--sizes", "B=1,S=40", "--seconds", "0", "--json", input: causal)
      try #require(tuned.status == 0, "\(tuned.errors)")
      let report = try JSON(parsing: tuned.output.utf8.dropLast())
      let tile = try #require(report["tiles"]?.array?.first)
      #expect(tile["op"]?.string == "%out" && tile["model"]?.array?.count == 2 && tile["best"]?.array?.count == 2)
      let (gain, tried) = (try #require(tile["gain"]?.double), try #require(tile["tried"]?.integer))
      #expect(gain >= 1 && tried > 4)
      let path = try #require(report["stored"]?.string)
      #expect(path.hasPrefix(folder) && FileManager.default.fileExists(atPath: path))

      let sizes = try #require(tile["best"]?.array).compactMap(\.integer)
      let explained = try run(folder, "explain", "-", input: causal)
      #expect(explained.output.contains("heed tune") && explained.output.contains("attention: \(sizes[0]) x \(sizes[1])"))
      // Names of symbols and values make no difference, another mask does.
      let renamed = causal.replacing("S", with: "N").replacing("%live", with: "%visible")
      #expect(try run(folder, "explain", "-", input: renamed).output.contains("heed tune"))
      let strict = causal.replacing("less_equal", with: "less")
      #expect(try !run(folder, "explain", "-", input: strict).output.contains("heed tune"))
      #expect(try !run(folder, "explain", "-", "--no-tuned", input: causal).output.contains("heed tune"))
      #expect(try !run(folder, "explain", "-", environment: ["HEED_TUNED": "off"], input: causal).output.contains("heed tune"))

      try Data("heed tuned tiles 1\n0\nnonsense\n".utf8).write(to: URL(fileURLWithPath: path))
      let damaged = try run(folder, "explain", "-", input: causal)
      #expect(damaged.status == 0 && !damaged.output.contains("heed tune"))
      #expect(damaged.errors.contains("tuned tiles: \(path): wrong checksum") && damaged.errors.split(separator: "\n").count == 1)
    }
  }

  @Test func problemsOfBench() throws {
    try withTemporaryFolder { folder in
      let attention = try run(folder, "tune", "attention", "--queries", "30", "--heads", "1", "--seconds", "0")
      #expect(attention.status == 0 && attention.output.contains("%out: model "), "\(attention.errors)")
      let gemm = try run(
        folder, "tune", "gemm", "--m", "20", "--n", "60", "--k", "30", "--epilogue", "bias", "--seconds", "0", "--dry-run")
      #expect(gemm.status == 0 && gemm.output.contains("nothing stored"), "\(gemm.errors)")
    }
  }

  @Test func mistakes() throws {
    expectFailure(try heed("tune", "-", input: causal), "got no size of B, S, expected --sizes B=...")
    let sum = "graph @g(%x: f32[N]) {\n  %y = add %x, %x : f32[N]\n  return %y\n}"
    expectFailure(try heed("tune", "-", "--sizes", "N=3", input: sum), "got the graph @g without attention or linear op")
    #expect(try heed("tune", "-", "--sizes", "N", input: sum).status == 64)
  }
}

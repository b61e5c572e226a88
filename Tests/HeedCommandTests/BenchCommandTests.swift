import Foundation
import Heed
import HeedTestSupport
import Testing

/// `heed bench`: what its reports say. How long anything takes is not looked at.
@Suite struct BenchCommandTests {
  private func report(_ arguments: String...) throws -> JSON {
    let result = try heed(["bench"] + arguments + ["--seconds", "0.01", "--json"])
    try #require(result.status == 0, "\(result.errors)")
    #expect(result.output.split(separator: "\n").count == 1)
    return try JSON(parsing: result.output.utf8.dropLast())
  }

  /// Checks what every report has.
  private func expectReport(_ report: JSON, error: Double, threads: Int = 2) throws {
    func number(_ key: String) throws -> Double { try #require(report[key]?.double, "\(key)") }
    let times = try ["best_seconds", "lower_quartile_seconds", "median_seconds", "upper_quartile_seconds"].map(number)
    #expect(times[0] > 0 && times == times.sorted())
    #expect(try number("spread") >= 0)
    for key in ["gflops", "peak_gflops", "of_peak", "gbytes", "read_gbytes", "of_read_bandwidth", "calls", "peak_bytes"] {
      #expect(try number(key) > 0, "\(key)")
    }
    #expect(try abs(number("of_peak") - number("gflops") / number("peak_gflops")) < 1e-6)
    #expect(try number("max_error") < error)
    #expect(report["threads"]?.integer == threads)
    #expect(report["target"]?.string == Target.host.name)
    #expect(report["machine"]?["cache_bytes"]?.array?.count == 3)
  }

  @Test(arguments: ["none", "causal", "window:9", "document:20"])
  func attention(mask: String) throws {
    let report = try report(
      "attention", "--batch", "2", "--heads", "4", "--kv-heads", "2", "--queries", "70", "--keys", "70", "--head-dim", "24",
      "--value-dim", "16", "--mask", mask, "--dtype", "f32", "--direction", "forward", "--threads", "2")
    try expectReport(report, error: 1e-6)
  }

  @Test func linearAttention() throws {
    let report = try report(
      "linear-attention", "--heads", "4", "--kv-heads", "2", "--rows", "70", "--head-dim", "8", "--value-dim", "9", "--decay",
      "--dtype", "f64", "--threads", "2")
    try expectReport(report, error: 1e-12)
    #expect(try #require(report["twice_seconds"]?.double) > 0)
  }

  /// The loss falls, the same in every run, and what is saved is what was trained on.
  @Test func training() throws {
    try withTemporaryFolder { folder in
      let text = folder + "/text.txt"
      try String(repeating: "to be, or not to be, that is the question: ", count: 20).write(
        toFile: text, atomically: true, encoding: .utf8)
      let sizes = ["--layers", "1", "--width", "16", "--heads", "2", "--length", "12", "--batch", "4", "--steps", "60"]
      func losses(_ threads: String) throws -> [Double] {
        let result = try heed(["bench", "training", "--text", text, "--threads", threads, "--save", folder, "--json"] + sizes)
        try #require(result.status == 0, "\(result.errors)")
        let report = try JSON(parsing: result.output.utf8.dropLast())
        #expect(try #require(report["best_seconds"]?.double) > 0 && report["tokens"]?.integer == 48)
        return try #require(report["losses"]?.array).compactMap(\.double)
      }
      let first = try losses("1")
      #expect(first.count == 60 && first[0] > 5 && first[59] < first[0] - 0.1)
      #expect(try losses("2") == first)
      let saved = try GraphState(contentsOf: folder + "/batches.safetensors")
      #expect(saved.arrays.count == 120 && saved["ids.0"]?.shape == [4, 12])
      #expect(try GraphState(contentsOf: folder + "/start.safetensors")["tokens.weight"]?.shape == [256, 16])
      let few = try heed(["bench", "training", "--text", text, "--batch", "1000"])
      #expect(few.status == 1 && few.errors.contains("sequences of 64 tokens, expected at least the 1000 of a batch"))
    }
  }

  @Test(arguments: ["none", "bias", "gelu"], ["load", "call"])
  func gemm(epilogue: String, weights: String) throws {
    for (element, error) in [("f32", 1e-5), ("f64", 1e-13)] {
      let report = try report(
        "gemm", "--batch", "2", "--m", "19", "--n", "53", "--k", "31", "--dtype", element, "--epilogue", epilogue, "--weights",
        weights, "--threads", "1")
      try expectReport(report, error: error, threads: 1)
      guard let core = report["openblas"]?.string, core != "not installed" else { continue }
      #expect(try #require(report["openblas_difference"]?.double) < error)
      #expect(try #require(report["openblas_best_seconds"]?.double) > 0)
      if Target.x86AVX512.runsOnHost { #expect(core == "SkylakeX") }
    }
  }

  @Test func gemmTable() throws {
    let result = try heed("bench", "gemm", "--preset", "encoder", "--seconds", "0", "--threads", "1")
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.contains("of peak") == true)
    #expect(lines.contains { $0.contains("1024 x 1024 x 1024") } && lines.contains { $0.contains("128 x 1536 x 384") })
    #expect(lines.last?.contains(Target.host.name) == true)
  }

  @Test(.enabled(if: modelFolder != nil)) func encoder() throws {
    let report = try report("encoder", "--model", #require(modelFolder), "--lengths", "9,3,40", "--threads", "2")
    try expectReport(report, error: 1e-6)
    #expect(report["tokens"]?.integer == 52)
  }

  @Test func encoderGradients() throws {
    try withSmallModel { folder in
      let report = try report("encoder", "--model", folder, "--lengths", "9,3,1", "--direction", "both", "--threads", "2")
      try expectReport(report, error: 1e-4)
      expectFailure(
        try heed(["bench", "encoder", "--model", folder, "--lengths", "17", "--direction", "both"]), "expected at most the model's")
    }
  }

  /// The stages are those of one compilation, so they add up.
  @Test func compilation() throws {
    let report = try JSON(parsing: heed(["bench", "compile", "--seconds", "0.1", "--json"]).output.utf8.dropLast())
    let stages = try ["passes", "lowering", "code"].map { try #require(report["\($0)_seconds"]?.double) }
    #expect(stages.allSatisfy { $0 > 0 }, "\(report.text)")
    let best = try #require(report["best_seconds"]?.double)
    #expect(abs(stages.reduce(0, +) - best) < 1e-6, "\(report.text)")
  }

  @Test func machine() throws {
    let report = try JSON(parsing: heed(["bench", "machine", "--json"]).output.utf8.dropLast())
    let single = try #require(report["peak_gflops"]?["f32"]?.double)
    let double = try #require(report["peak_gflops"]?["f64"]?.double)
    #expect(double > 0 && single > double)
    #expect(report["read_gbytes"]?.members?.count == 3)
  }

  @Test func tables() throws {
    let result = try heed("bench", "attention", "--queries", "20", "--heads", "1", "--seconds", "0", "--profile")
    for text in ["time ", "products ", "of the peak of", "memory ", "error ", "threads ", "machine ", "@attention"] {
      #expect(result.output.contains(text), "\(text): \(result.output)")
    }
  }

  @Test func refusals() throws {
    for kind in ["attention", "gemm"] {
      expectFailure(try heed("bench", kind, "--dtype", "i8"), "got --dtype i8, expected f32, f64, f16 or bf16")
    }
    expectFailure(
      try heed("bench", "attention", "--mask", "window"), "got --mask window, expected none, causal, window:W or document:L")
    expectFailure(try heed("bench", "attention", "--queries", "0"), "got --queries 0, expected a number from 1 to")
    expectFailure(try heed("bench", "attention", "--queries", "2000000000"), "expected what fits in memory")
    expectFailure(try heed("bench", "attention", "--kv-heads", "3"), "got --kv-heads 3 for 8 heads")
    expectFailure(try heed("bench", "gemm", "--m", "0"), "got --m 0, expected a number from 1 to")
    expectFailure(try heed("bench", "gemm", "--m", "1000000000", "--k", "1000000000"), "expected what fits in memory")
    expectFailure(try heed("bench", "encoder", "--model", "/nonexistent", "--batch", "1"), "/nonexistent")
    expectFailure(try heed("bench", "encoder", "--model", "/nonexistent", "--lengths", "3,x"), "got the length 'x'")
    #expect(try heed("bench", "gemm", "--epilogue", "relu").status == 64)
  }
}

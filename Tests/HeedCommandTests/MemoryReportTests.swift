import Foundation
import Heed
import HeedTestSupport
import Testing

/// What `heed explain --memory` says, and that it is what a process takes.
@Suite struct MemoryReportTests {
  private static let layers = """
    graph @layers(%x: f32[S, 256], parameter %w: f32[256, 256], parameter %v: f32[256, 256]) {
      checkpoint 0 {
        %a = contract %x, %w {subscripts = "si,io->so"} : f32[S, 256]
        %b = gelu %a : f32[S, 256]
      }
      %c = contract %b, %v {subscripts = "si,io->so"} : f32[S, 256]
      %d = tanh %c : f32[S, 256]
      %y = reduce %d {dims = [0, 1], kind = add} : f32
      %dx, %dv = vjp %y, 1.0, %x, %v {outputs = 1} : f32[S, 256], f32[256, 256]
      return %y, %dx, %dv
    }
    """

  @Test func kindsAreListed() throws {
    let result = try heed("explain", "-", "--memory", "--size", "S=1000", input: Self.layers)
    try #require(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    // 1000 x 256 f32, and 256 x 256 more.
    #expect(lines.contains("1.0 MB  inputs") && lines.contains("1.3 MB  results"))
    #expect(lines.contains { $0.hasSuffix("workspace") } && lines.contains { $0.hasSuffix("in all") })
    #expect(lines.contains("Largest where the workspace is fullest"))
    let again = try #require(lines.firstIndex(of: "Computed twice"))
    #expect(lines[(again + 1)...].contains { $0.hasSuffix("(linear)") || $0.hasSuffix("(contract)") })
  }

  @Test func sizesAreNeeded() throws {
    expectFailure(
      try heed("explain", "-", "--memory", input: Self.layers), "got no size of S, expected sizes of the symbols of @layers: S")
    expectFailure(
      try heed("explain", "-", "--memory", "--size", "S=9", "--memory-limit", "100", input: Self.layers),
      "@layers: got a memory limit of 100 bytes at S = 9, expected at least ")
    #expect(try heed("explain", "-", "--measure", input: Self.layers).status != 0)
  }

  /// Bytes in a line that ends in a word.
  private func bytes(_ output: String, _ word: String) throws -> Double {
    let line = try #require(output.split(separator: "\n").first { $0.hasSuffix("  \(word)") }, "\(output)")
    let parts = line.split(separator: " ")
    let unit = try #require(["B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9][String(parts[1])])
    return try #require(Double(parts[0])) * unit
  }

  /// The plan of a graph is within 10 % of what a call takes in a process.
  @Test(arguments: [20_000, 60_000]) func aCallTakesWhatThePlanSays(_ rows: Int) throws {
    let result = try heed("explain", "-", "--memory", "--measure", "--size", "S=\(rows)", input: Self.layers)
    try #require(result.status == 0, "\(result.errors)")
    let (planned, measured) = (try bytes(result.output, "in all"), try bytes(result.output, "measured"))
    #expect(planned > 0.9 * measured && planned < 1.1 * measured, "\(planned) planned, \(measured) measured")
  }

  /// And so is that of a step of training, with what limits memory and without.
  @Test(arguments: [[], ["--checkpoint"], ["--limit"]]) func aStepTakesWhatThePlanSays(_ options: [String]) throws {
    try withTemporaryFolder { folder in
      let text = folder + "/text.txt"
      try String(repeating: "to be, or not to be, that is the question: ", count: 300).write(
        toFile: text, atomically: true, encoding: .utf8)
      func step(_ options: [String]) throws -> JSON {
        let sizes = ["--layers", "4", "--width", "64", "--heads", "2", "--batch", "64", "--steps", "2"]
        let result = try heed(["bench", "training", "--text", text, "--json"] + sizes + options)
        try #require(result.status == 0, "\(result.errors)")
        return try JSON(parsing: result.output.utf8.dropLast())
      }
      func bytes(_ report: JSON, _ key: String) throws -> Int { try #require(report[key]?.integer) }
      var report = try step(options == ["--limit"] ? [] : options)
      if options == ["--limit"] {
        let (total, workspace) = (try bytes(report, "plan_bytes"), try bytes(report, "workspace_bytes"))
        let losses = report["losses"]
        report = try step(["--memory-limit", "\(total - workspace / 2)"])
        #expect(try bytes(report, "plan_bytes") <= total - workspace / 2)
        #expect(report["losses"] == losses)
      }
      let (planned, measured) = (Double(try bytes(report, "plan_bytes")), Double(try bytes(report, "measured_bytes")))
      #expect(planned > 0.9 * measured && planned < 1.1 * measured, "\(planned) planned, \(measured) measured")
    }
  }
}

import Foundation
import Heed
import HeedTestSupport
import Testing

/// `--trace` and `--roofline`: what the files hold.
@Suite struct TraceTests {
  private func bench(_ arguments: String...) throws -> JSON {
    try withTemporaryFolder { folder in
      let result = try heed(["bench"] + arguments + ["--seconds", "0", "--trace", folder + "/trace.json"])
      try #require(result.status == 0, "\(result.errors)")
      return try JSON(file: folder + "/trace.json")
    }
  }

  /// Checks the form of a trace and returns its events, those that tell names apart.
  private func events(_ trace: JSON) throws -> [JSON] {
    let events = try #require(trace["traceEvents"]?.array)
    let (names, calls) = (events.filter { $0["ph"]?.string == "M" }, events.filter { $0["ph"]?.string == "X" })
    #expect(names.count + calls.count == events.count && !calls.isEmpty)
    let tracks = names.compactMap { $0["tid"]?.integer }
    #expect(tracks == Array(0..<tracks.count))
    for event in calls {
      #expect(try #require(event["ts"]?.double) >= 0 && #require(event["dur"]?.double) >= 0)
      #expect(try tracks.contains(#require(event["tid"]?.integer)))
    }
    return calls
  }

  @Test func kernelCallsAndTheirPhases() throws {
    let events = try events(bench("attention", "--queries", "300", "--heads", "3", "--mask", "causal", "--threads", "2"))
    let attention = try #require(events.first { $0["cat"]?.string == "kernel" && $0["name"]?.string == "attention" })
    let arguments = try #require(attention["args"])
    // 4 D operations a live pair.
    let flops = try #require(arguments["flops"]?.double)
    #expect(Int(flops.rounded()) == 3 * 4 * 64 * 300 * 301 / 2)
    #expect(try #require(arguments["of_peak"]?.double) > 0)
    #expect(arguments["operands"]?.array?.first?.string?.contains("300, 64]") == true)
    let phases = events.filter { $0["cat"]?.string == "phase" && $0["name"]?.string?.hasPrefix("attention.") == true }
    #expect(phases.compactMap { $0["args"]?["tiles"]?.integer }.allSatisfy { $0 > 0 } && !phases.isEmpty)
    // On the tracks of threads, within the time of the call.
    let (start, length) = (try #require(attention["ts"]?.double), try #require(attention["dur"]?.double))
    for phase in phases {
      let from = try #require(phase["ts"]?.double)
      #expect(try phase["tid"]?.integer != 0 && from >= start && from + #require(phase["dur"]?.double) <= start + length + 1)
    }
  }

  @Test func traceOfRun() throws {
    try withTemporaryFolder { folder in
      let graph = """
        graph @double(%x: f32[N, 4]) {
          %y = multiply %x, 2.0 : f32[N, 4]
          return %y
        }
        """
      try NumPyFile.write(NDArray([Float](repeating: 1, count: 12), [3, 4]), to: folder + "/x.npy")
      let result = try heed("run", "-", "--input", "x=\(folder)/x.npy", "--trace", folder + "/trace.json", input: graph)
      #expect(result.status == 0, "\(result.errors)")
      let trace = try JSON(file: folder + "/trace.json")
      #expect(try events(trace).filter { $0["cat"]?.string == "kernel" }.count == 1)
      #expect(trace["otherData"]?["machine"]?.string?.contains(Target.host.name) == true)
      expectFailure(
        try heed("run", "-", "--input", "x=\(folder)/x.npy", "--trace", folder + "/none/trace.json", input: graph),
        "/none/trace.json")
    }
  }

  @Test(.enabled(if: modelFolder != nil)) func traceOfEmbed() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/trace.json"
      let result = try heed(
        "embed", "--model", #require(modelFolder), "--batch", "1", "--trace", path, input: "{\"text\": \"a\"}\n{\"text\": \"b\"}\n")
      #expect(result.status == 0, "\(result.errors)")
      let starts = try events(JSON(file: path)).filter { $0["cat"]?.string == "kernel" }.map { try #require($0["ts"]?.double) }
      // Two batches, one after the other.
      #expect(starts == starts.sorted() && starts.count.isMultiple(of: 2))
    }
  }

  @Test func roofline() throws {
    try withTemporaryFolder { folder in
      for arguments in [["attention", "--queries", "90"], ["gemm", "--m", "90", "--n", "50"]] {
        let path = folder + "/plot.svg"
        let result = try heed(["bench"] + arguments + ["--seconds", "0", "--json", "--roofline", path])
        #expect(result.status == 0, "\(result.errors)")
        let picture = try String(contentsOfFile: path, encoding: .utf8)
        let document = try #require(XMLTags(picture), "tags do not match")
        #expect(document.counts["circle", default: 0] >= 1 && document.counts["svg"] == 1)
        #expect(picture.contains("GFLOP/s") && picture.contains("multiply-add peak") && picture.contains("operations a byte"))
        #expect(!picture.contains("nan") && !picture.contains("inf"))
      }
    }
  }
}

/// The elements of an XML text by name, where every one that is opened is closed.
private struct XMLTags {
  var counts: [Substring: Int] = [:]

  init?(_ text: String) {
    var open: [Substring] = []
    for part in text.split(separator: "<").filter({ !$0.allSatisfy(\.isWhitespace) }) {
      guard let end = part.firstIndex(of: ">") else { return nil }
      let tag = part[..<end]
      let name = tag.drop { $0 == "/" }.prefix { !$0.isWhitespace && $0 != "/" }
      if tag.hasPrefix("/") {
        guard open.popLast() == name else { return nil }
      } else {
        counts[name, default: 0] += 1
        if !tag.hasSuffix("/") { open.append(name) }
      }
    }
    guard open.isEmpty else { return nil }
  }
}

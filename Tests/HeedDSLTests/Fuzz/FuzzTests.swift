import Foundation
import HeedDSL
import HeedIR
import HeedTestSupport
import Testing

/// Random calls with good and bad arguments: none traps, and a graph without a mistake verifies and is what its text says.
@Suite struct FuzzTests {
  /// The calls of one graph; a mistake ends it.
  private static let callsOfGraph = 6

  /// `HEED_DSL_CALLS` is how many calls there are in all, `HEED_DSL_SEED` the first graph's seed.
  @Test func randomCalls() throws {
    let environment = ProcessInfo.processInfo.environment
    let count = environment["HEED_DSL_CALLS"].flatMap(Int.init) ?? 6000
    let first = environment["HEED_DSL_SEED"].flatMap(UInt64.init) ?? 1
    let isVerbose = environment["HEED_DSL_SEED"] != nil
    print(
      "random calls of the language: \(count) from the seed \(first); HEED_DSL_SEED=N HEED_DSL_CALLS=1 repeats the graph of one seed"
    )
    var (calls, seed, built) = (0, first, 0)
    while calls < count {
      // A trap ends the process: the last seeds that were printed say where.
      if isVerbose || (seed - first) % 1000 == 0 { FileHandle.standardError.write(Data("seed \(seed)\n".utf8)) }
      let (graph, made) = Self.graph(seed, isVerbose)
      calls += made
      seed += 1
      guard let graph else { continue }
      built += 1
      do {
        try graph.verify()
        if seed % 8 == 0 { #expect(try Graph.parse(graph.text, file: "g").map(\.text) == [graph.text], "seed \(seed - 1)") }
      } catch {
        Issue.record("seed \(seed - 1): \(error)\n\(graph.text)")
      }
    }
    print("\(calls) calls in \(seed - first) graphs, of which \(built) had calls without a mistake")
    // One graph may be a mistake from its first call.
    #expect(built > 0 || count < 100)
  }

  /// The graph of the random calls that the seed determines, up to the first mistake, and how many calls were made; nil where the first
  /// was a mistake.
  private static func graph(_ seed: UInt64, _ isVerbose: Bool) -> (Graph?, calls: Int) {
    var (calls, good): (Int, Graph?) = (0, nil)
    _ = Graph("fuzz") { g in
      var arguments = BadArguments(seed: seed, g)
      while calls < callsOfGraph {
        let call = arguments.pick(RandomCall.all)
        calls += 1
        if isVerbose { FileHandle.standardError.write(Data("  \(call.names)\n".utf8)) }
        // At one place: the place of an operator would be looked up on the stack, which takes long.
        arguments.tensors += g.located("fuzz", calls) { call.call(&arguments) }
        guard g.graph.failure == nil else { break }
        good = g.graph
        good?.setResults(arguments.tensors.suffix(2).compactMap(\.value))
      }
      return arguments.tensors.filter { $0.builder === g }.suffix(1).map { $0 }
    }
    return (good, calls)
  }

  /// Every public function of the language is among the calls.
  @Test func everyFunctionIsCalled() throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let sources = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/HeedDSL")
    func text(_ folder: URL) throws -> String {
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!.compactMap { $0 as? URL }
      return try files.filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }.joined(
        separator: "\n")
    }
    let calls = try text(tests)
    let words = Set(calls.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
    let functions = try text(sources).matches(of: /public (?:static |mutating )?func `?(\w+)`?/).map { String($0.output.1) }
    #expect(functions.count > 100)
    let missing = Set(functions).subtracting(words).subtracting(["callAsFunction"]).sorted()
    #expect(missing.isEmpty, "no random call of \(missing.joined(separator: ", "))")
  }
}

import Foundation
import HeedDSL
import HeedIR
import HeedRandomCalls
import Testing

/// Random calls with good and bad arguments: none traps, and a graph without a mistake verifies and is what its text says.
@Suite struct RandomCallTests {
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
      let (graph, made) = CallSequence(seed: seed, count: Self.callsOfGraph).graph {
        if isVerbose { FileHandle.standardError.write(Data("  \($0)\n".utf8)) }
      }
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

  /// The text of a sequence of calls makes the same graph again, and without some of its calls another one.
  @Test func textOfCalls() throws {
    for seed in UInt64(1)...200 {
      let sequence = CallSequence(seed: seed, count: 6)
      let again = try #require(CallSequence(text: sequence.text))
      #expect(again.text == sequence.text)
      let (first, second) = (sequence.graph(), again.graph())
      #expect(first.made == second.made)
      #expect(first.graph?.text == second.graph?.text, "seed \(seed)")
      let fewer = sequence.text.split(separator: "\n").dropLast(2).joined(separator: "\n")
      #expect(try #require(CallSequence(text: fewer)).graph().made <= 4)
    }
    #expect(CallSequence(text: "graph x") == nil && CallSequence(text: "graph 1\nnothing: 1") == nil)
  }

  /// Every public function of the language is among the calls.
  @Test func everyFunctionIsCalled() throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let sources = tests.deletingLastPathComponent().appendingPathComponent("Sources/HeedDSL")
    func text(_ folder: URL) throws -> String {
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!.compactMap { $0 as? URL }
      return try files.filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }.joined(
        separator: "\n")
    }
    let calls = try text(tests.appendingPathComponent("RandomCalls"))
    let words = Set(calls.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
    let functions = try text(sources).matches(of: /public (?:static |mutating )?func `?(\w+)`?/).map { String($0.output.1) }
    #expect(functions.count > 100)
    let missing = Set(functions).subtracting(words).subtracting(["callAsFunction"]).sorted()
    #expect(missing.isEmpty, "no random call of \(missing.joined(separator: ", "))")
  }
}

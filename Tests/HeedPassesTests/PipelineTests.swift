import HeedIR
import HeedPasses
import Synchronization
import Testing

@Suite struct PipelineTests {
  private let text = """
    graph @g(%x: f32[S]) {
      %a = multiply %x, 1.0 : f32[S]
      %b = exp %a : f32[S]
      %c = exp %x : f32[S]
      %d = add %b, %c : f32[S]
      return %d
    }

    """

  @Test func passesAreFoundByName() throws {
    for pass in GraphPass.all {
      #expect(try GraphPass.named(pass.name).name == pass.name)
      #expect(!pass.summary.isEmpty)
    }
    #expect(Set(GraphPass.all.map(\.name)).count == GraphPass.all.count)
  }

  @Test func unknownPassesAreListed() {
    let error = #expect(throws: HeedError.self) { try PassPipeline(parsing: "simplify,fuse-atention") }
    #expect(error?.message.hasPrefix("got the pass 'fuse-atention', expected one of keep-differentiated, fold-constants, ") == true)
  }

  @Test func passesRunInTheOrderWritten() throws {
    let pipeline = try PassPipeline(parsing: "simplify, eliminate-common-subexpressions")
    let outcome = try pipeline.run(parse(text))
    #expect(outcome.timings.map(\.pass) == ["simplify", "eliminate-common-subexpressions"])
    #expect(outcome.graph.ir.count(.exp) == 1)
  }

  @Test(arguments: [
    (PassPipeline.PrintAfter.none, []), (.all, ["simplify", "eliminate-common-subexpressions"]),
    (.passes(["simplify"]), ["simplify"]),
  ])
  func graphsAreSeenAfterPasses(_ choice: PassPipeline.PrintAfter, _ expected: [String]) throws {
    let seen = Mutex<[(String, Int)]>([])
    var pipeline = try PassPipeline(parsing: "simplify,eliminate-common-subexpressions")
    pipeline.printAfter = choice
    pipeline.observe = { name, graph in seen.withLock { $0.append((name, graph.body.count)) } }
    _ = try pipeline.run(parse(text))
    let got = seen.withLock { $0 }
    #expect(got.map(\.0) == expected)
    if let first = got.first { #expect(first.1 == 3) }
  }

  @Test func aBrokenPassIsNamed() throws {
    let broken = GraphPass("break", summary: "drops the results") { graph, _ in graph.setResults([]) }
    var pipeline = PassPipeline([broken])
    pipeline.verifiesEach = true
    let graph = try parse(text)
    let error = #expect(throws: HeedError.self) { try pipeline.run(graph) }
    #expect(error?.message.hasPrefix("after break: ") == true)
  }

  @Test func remarksAreMadeOnce() throws {
    let graph = try parse(Spelling.all[1].text)
    let outcome = try PassPipeline().run(graph)
    #expect(Set(outcome.remarks).count == outcome.remarks.count)
    #expect(outcome.remarks.contains { $0.kind == .applied && $0.pass == "fuse-attention" && $0.value == "o" })
  }

  @Test(arguments: [",", "simplify,", "simplify,,fuse-linear", " "]) func emptyPassNamesAreErrors(_ names: String) {
    let error = #expect(throws: HeedError.self) { try PassPipeline(parsing: names) }
    #expect(error?.message.hasPrefix("got the pass '', expected one of keep-differentiated, ") == true)
  }

  /// The names of results are the graph's signature: no pass changes them, whatever value it returns instead.
  @Test func resultsKeepTheirNames() throws {
    let graph = try parse(
      """
      graph @g(%x: f32[S], %m: bool[S]) {
        %a = exp %x : f32[S]
        %b = exp %x : f32[S]
        %y = multiply %x, 1.0 : f32[S]
        %n = negate %x : f32[S]
        %0 = negate %n : f32[S]
        %s = select %m, %x, -inf : f32[S]
        %p = softmax %s {dim = 0} : f32[S]
        %q = select %m, %p, 0.0 : f32[S]
        return %a, %b, %y, %0, %q, %a as %c
      }
      """)
    let names: [Name] = ["a", "b", "y", "result3", "q", "c"]
    #expect(graph.resultNames == names)
    var pipeline = PassPipeline()
    pipeline.printAfter = .all
    pipeline.observe = { pass, graph in
      #expect(graph.resultNames == names, "\(pass)\n\(graph.text)")
      #expect((try? Graph.parse(graph.text))?.first?.resultNames == names, "\(pass)\n\(graph.text)")
    }
    let after = try pipeline.run(graph).graph.ir
    #expect(after.text.contains("return %a, %a as %b, %x as %y, %x as %result3, %p as %q, %a as %c"), "\(after.text)")
  }
}

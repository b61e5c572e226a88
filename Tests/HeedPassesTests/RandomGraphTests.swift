import HeedIR
import HeedInterpreter
import HeedPasses
import HeedTestSupport
import Testing

/// Passes keep the values of graphs that seeds determine, and do nothing the second time.
@Suite struct RandomGraphTests {
  private static let seeds: Range<UInt64> = 0..<40

  /// Without 16-bit types: a constant folded in those is rounded, where the interpreter keeps doubles between ops.
  private func compiled(_ seed: UInt64) throws -> RandomGraph {
    var options = RandomGraph.Options.compiled
    options.attentionProbability = 0.4
    return try RandomGraph(seed: seed, options: options)
  }

  private func expectSame(_ random: RandomGraph, _ after: Graph, _ what: String) throws {
    for binding in random.bindings {
      let inputs = try random.inputs(binding)
      let difference = greatestDifference(
        try GraphInterpreter.evaluate(random.graph, inputs: inputs), try GraphInterpreter.evaluate(after, inputs: inputs))
      #expect(difference <= 1e-5, "\(what), \(binding): \(random)\nbecame\n\(after.text)")
    }
  }

  @Test(arguments: GraphPass.all.map(\.name)) func passKeepsValues(_ name: String) throws {
    let pass = try GraphPass.named(name)
    for seed in Self.seeds {
      let random = try compiled(seed)
      var graph = random.graph
      var context = PassContext(target: .x86AVX512)
      try pass.run(&graph, &context)
      do { _ = try Verified(graph) } catch { Issue.record("\(error): \(random)\nbecame\n\(graph.text)") }
      try expectSame(random, graph, name)
      let once = graph.text
      try pass.run(&graph, &context)
      #expect(graph.text == once, "\(name) twice: \(random)")
    }
  }

  @Test func pipelineKeepsValues() throws {
    var pipeline = PassPipeline()
    pipeline.verifiesEach = true
    var attentionCount = 0
    for seed in Self.seeds {
      let random = try compiled(seed)
      do {
        let after = try pipeline.run(random.graph, target: .x86AVX512).graph.ir
        attentionCount += after.count(.attention) - random.graph.count(.attention)
        try expectSame(random, after, "pipeline")
        let again = try pipeline.run(after, target: .x86AVX512).graph.ir.text
        #expect(again == after.text, "\(random)\nonce\n\(after.text)\ntwice\n\(again)")
      } catch {
        Issue.record("\(error): \(random)")
      }
    }
    // Attention is written out in many of the graphs; most of it is found.
    #expect(attentionCount > 10)
  }
}

import HeedIR
import HeedTestSupport
import Testing

@Suite struct GraphReductionTests {
  /// The smallest graph that a condition holds of, as a fuzzer finds it.
  private static func reduced(_ graph: Graph, while holds: (Graph) -> Bool) -> Graph {
    var graph = graph
    while let smaller = GraphReduction.smaller(graph).first(where: holds) { graph = smaller }
    return graph
  }

  /// Of a random graph that has an op, what is left is that op with arguments for operands.
  @Test(arguments: [Op.softmax, .contract, .transpose, .attention, .reduce]) func oneOpIsLeft(_ op: Op) throws {
    func hasOp(_ graph: Graph) -> Bool { graph.body.contains { graph.op($0) == op } }
    var count = 0
    for seed in UInt64(1)...60 {
      let graph = try RandomGraph(seed: seed).graph
      guard hasOp(GraphReduction.withoutDeadNodes(graph)) else { continue }
      count += 1
      let small = Self.reduced(graph, while: hasOp)
      #expect(small.body.map(small.op) == [op], "seed \(seed)\n\(small.text)")
      #expect(small.results.count == 1 && small.arguments.count <= graph.arguments.count + 2, "seed \(seed)\n\(small.text)")
      try small.verify()
    }
    #expect(count > 0)
  }

  /// Every step is well formed, and smaller.
  @Test func stepsVerify() throws {
    for seed in UInt64(1)...40 {
      let graph = try RandomGraph(seed: seed).graph
      for smaller in GraphReduction.smaller(graph) {
        #expect(try Graph.parse(smaller.text, file: "g").map(\.text) == [smaller.text], "seed \(seed)")
        #expect(smaller.body.count <= graph.body.count)
      }
    }
  }
}

import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// Blocks `checkpoint`: they change when values are computed, and nothing else.
@Suite struct CheckpointTests {
  /// Random graphs with random blocks: the text keeps the blocks, and derivatives have the same bits as without blocks.
  @Test(arguments: 0..<20) func randomBlocks(_ number: Int) throws {
    var options = RandomGraph.Options()
    options.floats = [.f32, .f64]
    var checked = 0
    for position in 0..<20 {
      let seed = UInt64(number * 20 + position + 1)
      let random = try RandomGraph(seed: seed, options: options)
      let plain = random.graph
      guard plain.isDifferentiable, !plain.differentiableArguments.isEmpty, !plain.differentiableResults.isEmpty else { continue }
      var numbers = SeededGenerator(seed: seed)
      let marked = try plain.withRandomCheckpoints(&numbers)
      try marked.verify()
      #expect(try Graph.parse(marked.text)[0].text == marked.text)
      let (binding, isReverse) = (random.bindings[0], position % 2 == 0)
      let (first, second) = (
        try isReverse ? plain.reverseGraph() : plain.forwardGraph(), try isReverse ? marked.reverseGraph() : marked.forwardGraph()
      )
      let expanded = try second.expandingDerivatives()
      try expanded.verify()
      #expect(try Graph.parse(expanded.text)[0].text == expanded.text)
      var inputs = try random.inputs(binding)
      for argument in first.arguments where inputs[first.name(argument.value)] == nil {
        let type = first.type(argument.value)
        inputs[first.name(argument.value)] = numbers.array(type.element, try type.shape.evaluate { binding[$0] })
      }
      let expected = try GraphInterpreter.evaluate(first, inputs: inputs)
      let got = try GraphInterpreter.evaluate(expanded, inputs: inputs)
      for (x, y) in zip(got, expected) {
        let isSame = (0..<y.array.count).allSatisfy { "\(x.array[$0])" == "\(y.array[$0])" }
        #expect(isSame, "%\(y.name) \(random)\n\(marked.text)")
      }
      checked += 1
    }
    #expect(checked > 5, "\(checked) graphs")
  }

  private func expanded(_ body: String) throws -> Graph {
    let graph = try Graph.parse("graph @f(%x: f32[4], %t: f32[4]) {\n\(body)\n}")[0]
    try graph.verify()
    let expanded = try graph.expandingDerivatives()
    try expanded.verify()
    return expanded
  }

  /// How often each op runs, in blocks `recompute` and outside of them.
  private func counts(_ graph: Graph, _ op: Op) -> (again: Int, other: Int) {
    let nodes = graph.body.filter { graph.op($0) == op }
    let again = nodes.count { !graph.recomputations(around: $0).isEmpty }
    return (again, nodes.count - again)
  }

  /// A derivative within a block reads what the block computes.
  @Test func aRequestWithinABlock() throws {
    let graph = try expanded(
      """
      checkpoint 0 {
        %a = exp %x : f32[4]
        %dx = vjp %a, %t, %x {outputs = 1} : f32[4]
      }
      return %dx
      """)
    #expect(counts(graph, .exp) == (0, 1))
  }

  /// An inner block is computed again with the outer one, and once more by itself.
  @Test func anInnerBlockRunsThreeTimes() throws {
    let graph = try expanded(
      """
      checkpoint 0 {
        %a = exp %x : f32[4]
        checkpoint 1 {
          %b = sin %a : f32[4]
          %c = cos %b : f32[4]
        }
        %d = multiply %c, %a : f32[4]
      }
      %dx = vjp %d, %t, %x {outputs = 1} : f32[4]
      return %dx
      """)
    #expect(counts(graph, .exp) == (1, 1))
    // The rule of sin has a cos and that of cos a sin.
    #expect(counts(graph, .sin) == (2, 2))
    #expect(counts(graph, .cos) == (2, 2))
  }

  /// What a block needs of a node between its parts is kept.
  @Test func aBlockInTwoParts() throws {
    let graph = try expanded(
      """
      checkpoint 0 {
        %a = exp %x : f32[4]
      }
      %b = tanh %a : f32[4]
      checkpoint 0 {
        %c = multiply %b, %a : f32[4]
      }
      %dx = vjp %c, %t, %x {outputs = 1} : f32[4]
      return %dx
      """)
    #expect(counts(graph, .exp) == (1, 1))
    #expect(counts(graph, .tanh) == (0, 1))
  }
}

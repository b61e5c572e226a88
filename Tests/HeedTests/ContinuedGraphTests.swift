import Heed
import Testing

/// Graphs that go on where a graph in text ends.
@Suite struct ContinuedGraphTests {
  private static func loss(_ g: GraphBuilder) -> Tensor {
    let x = g.input("x", .f32, ["B", 4])
    let error = Linear("map", in: g, inputs: 4, outputs: 2)(x) - g.input("t", .f32, ["B", 2])
    return (error * error).mean().named("loss")
  }

  @Test func stepOfAGraphInText() throws {
    let model = Graph("model") { g in Self.loss(g) }
    let whole = Graph("model") { g in
      let loss = Self.loss(g)
      g.minimize(loss, by: AdamW(), learningRate: 1e-2, clippingNorm: 1)
      return loss
    }
    let continued = try Graph(continuing: Graph.parse(model.text)[0]) { g, results in
      #expect(results.map(\.name) == ["loss"])
      g.minimize(results[0], by: AdamW(), learningRate: 1e-2, clippingNorm: 1)
      return results
    }
    #expect(continued.text == whole.text)
  }

  @Test func statesOfTheGraphGoOn() throws {
    let counted = Graph("counted") { g in
      let count = g.state("count", .f32, initial: 0)
      count.update(to: count + 1)
      return (g.parameter("w", .f32, [2]) * count).sum().named("y")
    }
    let continued = try Graph(continuing: Graph.parse(counted.text)[0]) { g, results in
      #expect(results.count == 1)
      g.minimize(results[0], by: SGD(), learningRate: 1.0)
      return results
    }
    let program = try continued.compile()
    var state = try continued.initialState(["w": [5, 7]])
    let values = try (0..<3).map { _ in try (program(updating: &state) as NDArray).float() }
    // w loses the count at each step: (5, 7), (5, 7), (4, 6).
    #expect(values == [0, 12, 20])
    #expect(try state["count"]!.floats() == [3] && state["w"]!.floats() == [2, 4])
  }

  @Test func mistakes() throws {
    let model = Graph("model") { g in Self.loss(g) }
    #expect(throws: HeedError.self) {
      try Graph(continuing: model) { g, results in results[0] + g.input("x", .f32, [3]) }
    }
    let broken = Graph("broken") { g in g.input("x", .f32, [3]) + g.input("x", .f32, [3]) }
    #expect(throws: broken.failure!) { try Graph(continuing: broken) { _, results in results } }
  }
}

import Heed
import Testing

/// `checkpoint` in the language: less memory, the same bits.
@Suite struct CheckpointTests {
  @Test(
    arguments: [SmallTransformer.Checkpoints.layers, .nested, .attention],
    [(false, false), (true, false), (false, true), (true, true)])
  func gradientsHaveTheSameBits(_ checkpoints: SmallTransformer.Checkpoints, _ kind: (dropout: Bool, optimizer: Bool)) throws {
    var model = SmallTransformer()
    (model.hasDropout, model.hasOptimizer) = kind
    let expected = try model.run()
    model.checkpoints = checkpoints
    #expect(try differing(model.run(), expected) == [])
  }

  /// Of a layer only what goes in is kept, so that the workspace of many layers is little more than that of one.
  @Test func theWorkspaceIsThatOfALayer() throws {
    func workspace(_ layers: Int, _ checkpoints: SmallTransformer.Checkpoints) throws -> Int {
      let model = SmallTransformer(layers: layers, checkpoints: checkpoints)
      return try model.graph().graph.lowered().memoryPlan(sizes: ["B": 64]).workspace
    }
    let (kept, two, twelve) = (try workspace(12, .none), try workspace(2, .layers), try workspace(12, .layers))
    // Ten more layers keep ten more inputs.
    let input = 64 * 16 * 32 * 4
    #expect(twelve <= two + 11 * input, "\(twelve), \(two)")
    #expect(3 * twelve < kept, "\(twelve) of \(kept)")
  }

  @Test func whatIsComputedTwiceIsListed() throws {
    let plan = try SmallTransformer(checkpoints: .layers).graph().graph.lowered().memoryPlan(sizes: ["B": 2])
    #expect(plan.recomputed.count { $0.op == "attention" } == 2)
    #expect(try SmallTransformer().graph().graph.lowered().memoryPlan(sizes: ["B": 2]).recomputed.isEmpty)
  }

  /// A state that the step replaces is read as it was before.
  @Test func aStateIsReadAsItWas() throws {
    func step(_ isMarked: Bool) throws -> Graph {
      try Graph(building: "step") { g in
        let (x, w) = (g.input("x", .f32, ["N"]), g.state("w", .f32, ["N"]))
        func layer() -> Tensor { sin(exp(x * w) * w) }
        let y = isMarked ? g.checkpoint(layer) : layer()
        let slope = gradients(of: y.sum(), with: [w])[0]
        w.update(to: w - 0.1 * slope)
        return [y.sum().named("y"), slope.named("slope")]
      }
    }
    func run(_ isMarked: Bool) throws -> [String: NDArray] {
      let program = try step(isMarked).compile()
      var state = GraphState(["w": NDArray.random([37], seed: 4)])
      var outputs: Outputs?
      for _ in 0..<3 { outputs = try program(["x": NDArray.random([37], seed: 5)], updating: &state) }
      return ["w": state["w"]!, "y": outputs!["y"]!, "slope": outputs!["slope"]!]
    }
    #expect(try differing(run(true), run(false)) == [])
  }
}

import Heed
import Testing

/// Low-rank adapters: what they add, what trains them, and weights into which they are merged.
@Suite struct LowRankAdapterTests {
  private static let lora = LowRankAdaptation(of: ["a.query", "a.out*"], rank: 3, alpha: 4.5)

  private static func attention(_ g: GraphBuilder) -> Tensor {
    MultiHeadAttention("a", in: g, size: 8, headCount: 2, element: .f64)(g.input("x", .f64, ["S", 8]), mask: .causal())
  }

  private static let plain = Graph("model") { g in attention(g).named("y") }
  private static let adapted = Graph("model") { g in g.adapting(lora) { attention(g) }.named("y") }

  /// Random numbers for every parameter; those of one name are the same in both graphs.
  private static func weights() throws -> [String: NDArray] {
    var initializers = Initializers()
    initializers["*"] = .normal(deviation: 0.5)
    return try initializers.arrays(for: adapted, seed: 7)
  }

  @Test func parametersOfAdaptedMaps() throws {
    let adapters = Self.adapted.parameters.filter { $0.name.contains("adapter") }.map { "\($0.name) \($0.type)" }
    #expect(
      adapters == [
        "a.query.adapter.down f64[3, 8]", "a.query.adapter.up f64[8, 3]", "a.output.adapter.down f64[3, 8]",
        "a.output.adapter.up f64[8, 3]",
      ])
    #expect(Self.adapted.parameters.count == Self.plain.parameters.count + 4)
  }

  @Test func mergedWeightsDoTheSame() throws {
    let weights = try Self.weights()
    let x = NDArray.random([7, 8], seed: 3).converted(to: .f64)
    let expected: NDArray = try Self.adapted.compile().load(parameters: weights)(["x": x])
    let base = weights.filter { !$0.key.contains("adapter") }
    let merged = try Self.lora.merged(base, with: weights)
    let got: NDArray = try Self.plain.compile().load(parameters: merged)(["x": x])
    let unmerged: NDArray = try Self.plain.compile().load(parameters: base)(["x": x])
    #expect(Set(merged.keys) == Set(base.keys))
    #expect(try zip(got.doubles(), expected.doubles()).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(try zip(unmerged.doubles(), expected.doubles()).contains { abs($0 - $1) > 1e-2 })
    // Maps without adapters keep their weights, bit for bit.
    #expect(try merged["a.key.weight"]!.doubles() == base["a.key.weight"]!.doubles())
  }

  @Test func mapsBeginAsTheyWere() throws {
    var weights = try Self.weights()
    for name in weights.keys where name.hasSuffix("adapter.up") { weights[name] = try NDArray(zeros: .f64, [8, 3]) }
    let x = NDArray.random([5, 8], seed: 4).converted(to: .f64)
    let got: NDArray = try Self.adapted.compile().load(parameters: weights)(["x": x])
    let base = weights.filter { !$0.key.contains("adapter") }
    let expected: NDArray = try Self.plain.compile().load(parameters: base)(["x": x])
    #expect(try got.doubles() == expected.doubles())
  }

  @Test func trainingChangesAdaptersAlone() throws {
    let (step, initializers) = try Graph.withInitializers("step") { g in
      let y = g.adapting(Self.lora) { Self.attention(g) }
      let loss = (y * y).mean().named("loss")
      g.minimize(loss, by: AdamW(), learningRate: 0.05, parameters: g.adapters)
      return loss
    }
    #expect(initializers.initializer(of: "a.query.adapter.up") == .zeros)
    let trained = step.states.map(\.name).filter { !$0.hasPrefix("optimizer.") }
    #expect(trained == Self.adapted.parameters.map(\.name).filter { $0.contains("adapter") })
    #expect(step.parameters.map(\.name) == Self.plain.parameters.map(\.name))
    // Of no weight is there a moment, nor a gradient.
    #expect(step.states.allSatisfy { !$0.name.hasSuffix(".weight") && !$0.name.hasSuffix(".bias") })

    let base = try Self.weights().filter { !$0.key.contains("adapter") }
    let program = try step.compile().load(parameters: base)
    var state = try step.initialState(initializers.arrays(for: step, seed: 1, given: base).filter { base[$0.key] == nil })
    let x = NDArray.random([6, 8], seed: 5).converted(to: .f64)
    let losses = try (0..<30).map { _ in try (program(["x": x], updating: &state) as NDArray).double() }
    #expect(losses.last! < 0.5 * losses[0], "\(losses)")
  }

  @Test func mistakes() throws {
    func mistake(_ lora: LowRankAdaptation) -> String? {
      Graph("g") { g in g.adapting(lora) { Self.attention(g) } }.failure?.message
    }
    #expect(
      mistake(.init(of: ["*.quary"], rank: 2))
        == "adapting: got the pattern '*.quary', expected one that fits some of a.query, a.key, a.value, a.output")
    #expect(mistake(.init(of: ["*"], rank: 0)) == "adapting: got the rank 0, expected at least 1")
    #expect(mistake(.init(of: [], rank: 1)) == "adapting: got no pattern of names, expected at least one")
    #expect(mistake(.init(of: ["*"], rank: 1, alpha: .nan)) == "adapting: got alpha nan, expected a finite number")
    #expect(
      Graph("g") { g in g.adapting(.init(of: ["*"], rank: 1)) { g.input("x", .f32, [2]) } }.failure?.message.contains(
        "expected linear maps") == true)

    let weights = try Self.weights()
    #expect(
      throws: HeedError(
        "got the adapter 'a.query.adapter.down', expected 'a.query.adapter.up' beside it and the weight 'a.query.weight'")
    ) {
      try Self.lora.merged([:], with: weights.filter { $0.key.hasPrefix("a.query") })
    }
    #expect(throws: HeedError.self) {
      try Self.lora.merged(["m.weight": .ones([4, 4])], with: ["m.adapter.down": .ones([2, 4]), "m.adapter.up": .ones([4, 3])])
    }
  }
}

import Heed

/// A causal transformer for tests of memory: its layers in checkpoints or not, with dropout or not, with an optimiser or with gradients.
struct SmallTransformer {
  var layers = 2
  var width = 32
  var length = 16
  /// Which blocks are checkpoints.
  var checkpoints = Checkpoints.none
  var hasDropout = false
  var hasOptimizer = false
  /// The type of weights and of all that the layers compute.
  var element = ElementType.f32

  enum Checkpoints: CaseIterable { case none, layers, nested, attention }

  /// The loss and either the gradients of all weights or a step of training.
  func graph() throws -> (graph: Graph, initializers: Initializers) {
    try Graph.withInitializers("transformer") { g in
      let x = g.input("x", .f32, ["B", Extent(length), Extent(width)])
      let target = g.input("target", .f32, ["B", Extent(length), Extent(width)])
      let error = body(x.cast(to: element), g).cast(to: .f32) - target
      let loss = (error * error).mean()
      guard hasOptimizer else { return [loss.named("loss")] + gradients(of: loss, with: g.parameters) }
      g.minimize(loss, by: AdamW(weightDecay: 0.01), learningRate: 1e-3, clippingNorm: 1)
      return [loss.named("loss")]
    }
  }

  private func body(_ input: Tensor, _ g: GraphBuilder) -> Tensor {
    var x = input
    for layer in 0..<layers {
      let before = x
      x = mark(.layers, .nested, g) { self.layer(before, layer, g) }
    }
    return x
  }

  private func layer(_ x: Tensor, _ number: Int, _ g: GraphBuilder) -> Tensor {
    g.scope("layers.\(number)") {
      var attention = MultiHeadAttention("attention", in: g, size: width, headCount: 2, element: element)
      if hasDropout { attention.dropout = (0.2, g.randomKey(7, stream: 2 * number)) }
      let normed = LayerNorm("norm1", in: g, size: width, element: element)(x)
      var y = x + mark(.attention, .nested, g) { attention(normed, mask: .causal()) }
      let hidden = mark(.nested, .nested, g) {
        FeedForward("mlp", in: g, size: width, hiddenSize: 4 * width, element: element)(
          LayerNorm("norm2", in: g, size: width, element: element)(y))
      }
      y = y + (hasDropout ? hidden.dropout(probability: 0.1, key: g.randomKey(7, stream: 2 * number + 1)) : hidden)
      return y
    }
  }

  private func mark(
    _ first: Checkpoints, _ second: Checkpoints, _ g: GraphBuilder, _ body: () -> Tensor
  ) -> Tensor { checkpoints == first || checkpoints == second ? g.checkpoint(body) : body() }

  /// What a call takes, and the states or parameters before it.
  func arrays(_ graph: Graph, _ initializers: Initializers, batch: Int = 2) throws -> (
    inputs: [String: NDArray], weights: [String: NDArray]
  ) {
    let shape = [batch, length, width]
    return (
      ["x": NDArray.random(shape, seed: 1), "target": NDArray.random(shape, seed: 2)],
      try initializers.arrays(for: graph, seed: 3)
    )
  }

  /// The results of a call, and the states after two.
  func run(_ options: CompileOptions = CompileOptions(), batch: Int = 2) throws -> [String: NDArray] {
    let (graph, initializers) = try graph()
    let (inputs, weights) = try arrays(graph, initializers, batch: batch)
    let program = try graph.compile(options)
    guard hasOptimizer else {
      let outputs = try program.load(parameters: weights)(inputs) as Outputs
      return Dictionary(uniqueKeysWithValues: zip(outputs.names, outputs))
    }
    var state = try graph.initialState(weights)
    for _ in 0..<2 { _ = try program(inputs, updating: &state) as Outputs }
    return state.arrays
  }
}

/// The names of the arrays whose bits differ.
func differing(_ got: [String: NDArray], _ expected: [String: NDArray]) throws -> [String] {
  guard Set(got.keys) == Set(expected.keys) else { return ["the names"] }
  return try got.keys.sorted().filter { name in
    let (x, y) = (got[name]!, expected[name]!)
    guard x.element.isFloat else { return try x.ints() != y.ints() }
    return try x.doubles().map(\.bitPattern) != y.doubles().map(\.bitPattern)
  }
}

import Heed
import Testing

/// Derivatives of every layer of the language, with respect to its input and its parameters, against central differences: as written, after
/// the passes, and compiled in f64.
@Suite struct LayerGradientTests {
  struct Layer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let build: @Sendable (_ g: GraphBuilder, _ x: Tensor) -> Tensor

    init(_ name: String, _ build: @escaping @Sendable (GraphBuilder, Tensor) -> Tensor) {
      (testDescription, self.build) = (name, build)
    }
  }

  static let layers: [Layer] = maps + attentions + norms

  private static let maps: [Layer] =
    [
      Layer("linear") { g, x in Linear("w", in: g, inputs: 8, outputs: 3)(x) },
      Layer("linear with a low-rank adapter") { g, x in
        g.adapting(LowRankAdaptation(of: ["w"], rank: 2, alpha: 3)) { Linear("w", in: g, inputs: 8, outputs: 3)(x) }
      },
      Layer("embedding") { g, x in x * Embedding("e", in: g, count: 5, size: 8)(g.input("ids", .i32, ["S"])) },
      Layer("dropout") { g, x in Linear("w", in: g, inputs: 8, outputs: 3)(x.dropout(probability: 0.4, key: g.randomKey(3))) },
      Layer("rotary embedding") { _, x in RotaryEmbedding(size: 8)(x) },
      Layer("interleaved rotary embedding") { g, x in
        RotaryEmbedding(size: 8, isInterleaved: true)(x, positions: g.input("places", .i32, ["S"]))
      },
    ]
    + Activation.allCases.map { activation in
      Layer("\(activation) feed forward") { g, x in
        FeedForward("f", in: g, size: 8, hiddenSize: 5, isGated: activation == .silu, activation: activation)(x)
      }
    }

  private static let attentions: [Layer] = [
    Layer("attention") { g, x in MultiHeadAttention("a", in: g, size: 8, headCount: 2)(x, mask: .causal()) },
    Layer("grouped attention with rotary embedding") { g, x in
      let rotary = RotaryEmbedding(size: 2)
      return MultiHeadAttention("a", in: g, size: 8, headCount: 4, keyValueHeadCount: 2)(
        x, position: { rotary($0) }, mask: .causal())
    },
    Layer("attention across with relative positions") { g, x in
      let bias = RelativePositionBias("t", in: g, headCount: 2, bucketCount: 8, maximumDistance: 6)
      let context = g.input("context", .f32, ["C", 6])
      return MultiHeadAttention("a", in: g, size: 8, headCount: 2, contextSize: 6)(
        x, context: context, bias: { bias($0) })
    },
    Layer("attention with dropout and changed scores") { g, x in
      var attention = MultiHeadAttention("a", in: g, size: 8, headCount: 2)
      attention.dropout = (0.3, g.randomKey(5))
      return attention(x, mask: .slidingWindow(before: 2, after: 1), scores: .softCap(2), .alibi())
    },
    Layer("attention with gated heads") { g, x in
      var attention = MultiHeadAttention("a", in: g, size: 8, headCount: 2)
      attention.headGates = g.parameter("gates", .f32, [2])
      return attention(x, mask: .causal())
    },
    Layer("what heads add to rows") { g, x in
      let attention = MultiHeadAttention("a", in: g, size: 8, headCount: 4, keyValueHeadCount: 2)
      return attention.headOutputs(of: x).transposed(1, 0, 2)
    },
    Layer("attention and its mean probabilities") { g, x in
      let (output, probabilities) = MultiHeadAttention("a", in: g, size: 8, headCount: 2).attend(x, mask: .causal())
      return output + probabilities.mean(0).sum(0).expandingDimension(-1)
    },
  ]

  private static let norms: [Layer] = [
    Layer("layer norm") { g, x in LayerNorm("n", in: g, size: 8)(x) },
    Layer("RMS norm") { g, x in RMSNorm("n", in: g, size: 8)(x) },
    Layer("batch norm") { g, x in BatchNorm("n", in: g, size: 8)(x) },
    Layer("group norm") { g, x in GroupNorm("n", in: g, groups: 2, size: 8)(x) },
  ]

  @Test(arguments: layers) func derivativesAgree(_ layer: Layer) throws {
    let graph = try Graph(building: "layer") { g in layer.build(g, g.input("x", .f32, ["S", 8])) }
    var options = GradientCheck.Options()
    (options.mostElements, options.directions) = (6, 1)
    options.executions = [.optimized, .compiled]
    let variance = ReferenceArray(.f64, [8], reals: (1...8).map(Double.init))
    let given: [Name: ReferenceArray] = layer.testDescription == "batch norm" ? ["n.running_var": variance] : [:]
    let binding: [Name: Int] = ["S": 5, "C": 4]
    let used = binding.filter { graph.arguments.map { graph.type($0.value).shape.description }.joined().contains($0.key.text) }
    let report = try GradientCheck.report(on: graph, binding: used, given: given, options: options)
    #expect(throws: Never.self) { try report.verify() }
  }
}

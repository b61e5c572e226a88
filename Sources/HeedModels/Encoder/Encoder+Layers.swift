import HeedDSL
import HeedIR

extension Encoder {
  /// The encoder from token ids to the last layer's states `[T, hidden]`, the offsets, and each layer's attention probabilities.
  /// - Parameter sentences: how many there are.
  func tokenStates(_ g: GraphBuilder, sentences: Extent = "B") -> (states: Tensor, offsets: Tensor, probabilities: [Tensor]) {
    let ids = g.input("ids", .i32, ["T"])
    let offsets = g.input("offsets", .i32, [sentences + 1])
    let segments = g.segmentIDs(offsets, count: "T").named("segments")
    let prefix = parameterPrefix.hasSuffix(".") ? String(parameterPrefix.dropLast()) : parameterPrefix
    return g.scope(prefix) {
      // In f32; the ops that read them round.
      var states = g.scope("embeddings") { tokenEmbeddings(g, ids, offsets, segments) }
      var probabilities: [Tensor] = []
      for layer in 0..<configuration.layerCount {
        g.scope("encoder.layer.\(layer)") {
          let attended = attention(g, states, segments)
          probabilities.append(attended.probabilities)
          states = feedForward(g, attended.output)
        }
      }
      return (states, offsets, probabilities)
    }
  }

  /// The sum of the embeddings of word, position and token type 0, normalised. Positions count within each sentence.
  private func tokenEmbeddings(_ g: GraphBuilder, _ ids: Tensor, _ offsets: Tensor, _ segments: Tensor) -> Tensor {
    func embedding(_ name: String, _ count: Int) -> Embedding {
      Embedding(name, in: g, count: count, size: configuration.hiddenSize)
    }
    let positions = (ids.index(0) - offsets.gather(segments)).named("positions")
    let words = embedding("word_embeddings", configuration.vocabularySize)(ids)
    let places = embedding("position_embeddings", configuration.maximumPositions)(positions)
    let kind = embedding("token_type_embeddings", configuration.tokenTypeCount).weight[0]
    return norm("LayerNorm", g)(words + places + kind).named("output")
  }

  /// Attention within each sentence, the residual, and normalisation.
  private func attention(_ g: GraphBuilder, _ x: Tensor, _ segments: Tensor) -> (output: Tensor, probabilities: Tensor) {
    g.scope("attention") {
      let size = configuration.hiddenSize
      func linear(_ name: String) -> Linear { Linear(name, in: g, inputs: size, outputs: size, factors: narrow) }
      let heads = MultiHeadAttention(
        query: linear("self.query"), key: linear("self.key"), value: linear("self.value"), output: linear("output.dense"),
        headCount: configuration.headCount, element: narrow)
      let (attended, probabilities) = heads.attend(
        x,
        mask: { scores in
          let rows = segments.broadcast(to: scores.shape, dimensions: [1])
          let columns = segments.broadcast(to: scores.shape, dimensions: [2])
          return rows == columns
        })
      return (norm("output.LayerNorm", g)(attended + stored(x)).named("output"), probabilities)
    }
  }

  /// Two linear maps with the activation between, the residual, and normalisation.
  private func feedForward(_ g: GraphBuilder, _ x: Tensor) -> Tensor {
    let (size, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    let maps = FeedForward(
      up: Linear("intermediate.dense", in: g, inputs: size, outputs: inner, factors: narrow),
      down: Linear("output.dense", in: g, inputs: inner, outputs: size, factors: narrow), activation: activation)
    return norm("output.LayerNorm", g)(maps(x) + stored(x)).named("output")
  }

  /// What is rounded to, where anything is.
  private var narrow: ElementType? { element == .f32 ? nil : element }

  /// Rows as they lie in memory between layers.
  private func stored(_ x: Tensor) -> Tensor { x.cast(to: element).cast(to: .f32) }

  private var activation: Activation {
    switch configuration.activation {
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .relu: .relu
    case .silu: .silu
    }
  }

  private func norm(_ name: String, _ g: GraphBuilder) -> LayerNorm {
    LayerNorm(name, in: g, size: configuration.hiddenSize, epsilon: configuration.layerNormEpsilon)
  }

  /// The mean of each sentence's states, scaled to length 1: `[B, hidden]`. A sentence without tokens becomes zeros.
  func sentenceEmbeddings(_ states: Tensor, _ offsets: Tensor) -> Tensor {
    let lengths = offsets[1...] - offsets[..<(-1)]
    let counts = maximum(lengths, 1).cast(to: states.element)
    let sums = states.segmentSum(offsets)
    let means = (sums / counts.broadcast(to: sums.shape, dimensions: [0])).named("means")
    let norms = maximum(sqrt((means * means).sum(1)), 1e-12)
    return means / norms.broadcast(to: sums.shape, dimensions: [0])
  }
}

import Heed

/// A transformer that makes embeddings of sentences, in the ways that a batch may be given.
enum SentenceEncoder {
  static let (size, heads) = (64, 4)

  /// The mean of the rows that are not padding: `[B, S, size]` to `[B, size]`.
  static func masked(_ x: Tensor, _ lengths: Tensor) -> Tensor {
    let isReal = x.builder.iota(["S"], dimension: 0) < lengths.expandingDimension(1)
    return (x * isReal.cast(to: .f32).expandingDimension(2)).sum(1) / lengths.cast(to: .f32).expandingDimension(1)
  }

  /// What a padded batch hides of its padding.
  struct Masks: OptionSet {
    let rawValue: Int
    static let keys = Masks(rawValue: 1)
    static let pooling = Masks(rawValue: 2)
  }

  /// A graph, and what its parameters begin with.
  typealias Model = (graph: Graph, initializers: Initializers)

  /// Two layers of a transformer on tokens, whose places in their sentence are added as sinusoids.
  private static func encoded(_ g: GraphBuilder, _ tokens: Tensor, places: Tensor, mask: Mask) -> Tensor {
    var x = Embedding("tokens", in: g, count: SentenceBatch.vocabulary, size: size)(tokens) + sinusoidalEncoding(places, size: size)
    for layer in 0..<2 {
      g.scope("layers.\(layer)") {
        let attention = MultiHeadAttention("attention", in: g, size: size, headCount: heads)
        x += attention(LayerNorm("norm1", in: g, size: size)(x), mask: mask)
        x += FeedForward("mlp", in: g, size: size, hiddenSize: 4 * size)(LayerNorm("norm2", in: g, size: size)(x))
      }
    }
    return x
  }

  /// The embeddings of B sentences that are padded to S tokens: the means of their rows.
  static func padded(_ masks: Masks) throws -> Model {
    try Graph.withInitializers("padded") { g in
      let (tokens, lengths) = (g.input("tokens", .i32, ["B", "S"]), g.input("lengths", .i32, ["B"]))
      let x = encoded(g, tokens, places: g.iota(["S"], dimension: 0), mask: masks.contains(.keys) ? .keys(below: lengths) : .all)
      return masks.contains(.pooling) ? masked(x, lengths) : x.mean(1)
    }
  }

  /// The same of sentences that follow each other in T rows: offsets say where each begins.
  static func ragged() throws -> Model {
    try Graph.withInitializers("ragged") { g in
      let (tokens, offsets) = (g.input("tokens", .i32, ["T"]), g.input("offsets", .i32, ["B + 1"]))
      let places = g.iota(["T"], dimension: 0) - offsets.gather(g.segmentIDs(offsets, count: "T"))
      let x = encoded(g, tokens, places: places, mask: .documents(offsets))
      return x.segmentMean(offsets)
    }
  }
}

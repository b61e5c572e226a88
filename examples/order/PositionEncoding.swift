import Foundation
import Heed

/// How attention is told the order of its tokens.
enum PositionEncoding: String, CaseIterable {
  case none = "no positions"
  case sinusoidal, learned, rotary
  case alibi = "ALiBi"
  case relative = "relative biases"

  /// Features of a row, and heads.
  static let (width, heads) = (32, 4)
  static let (trainedLength, testedLength) = (64, 256)

  /// Attention of rows to a context of as many, `[..., rows, width]`, told the order in one of the ways.
  func attend(_ x: Tensor, to context: Tensor, _ mask: Mask, _ g: GraphBuilder) -> Tensor {
    let (width, heads) = (Self.width, Self.heads)
    let attention = MultiHeadAttention("attention", in: g, size: width, headCount: heads)
    let places = g.iota([x.extent(-2)])
    switch self {
    case .none: return attention(x, context: context, mask: mask)
    case .sinusoidal:
      let positions = sinusoidalEncoding(places, size: width)
      return attention(x + positions, context: context + positions, mask: mask)
    case .learned:
      let positions = Embedding("positions", in: g, count: Self.testedLength, size: width)(places)
      return attention(x + positions, context: context + positions, mask: mask)
    case .rotary:
      let rotary = RotaryEmbedding(size: width / heads)
      return attention(x, context: context, position: { rotary($0) }, mask: mask)
    case .alibi: return attention(x, context: context, mask: mask, scores: .alibi())
    case .relative:
      // Buckets of distances: all beyond the training length share the last one.
      let table = Embedding(weight: g.initialize(g.parameter("bias", .f32, [32, Extent(heads)]), .normal(deviation: 0.2)))
      let bias = RelativePositionBias(table: table, maximumDistance: Self.trainedLength, isBidirectional: false)
      return attention(x, context: context, mask: mask, scores: .relativePositions(bias))
    }
  }

  /// Attention whose scores fall with the distance: ALiBi.
  static func alibiGraph() throws -> Graph {
    try Graph(building: "alibi") { g in
      let (q, k, v) = (g.input("q", .f32, [4, "T", 8]), g.input("k", .f32, [4, "T", 8]), g.input("v", .f32, [4, "T", 8]))
      let scores = (matmul(q, k.transposed()) / sqrt(8)).applying(.alibi())
      return matmul(softmax(scores.where(.causal(), else: -.infinity)), v).named("out")
    }
  }
}

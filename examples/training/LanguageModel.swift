import Heed

/// A causal transformer over the bytes of a text.
struct LanguageModel {
  let layers: Int
  let width: Int
  /// Tokens of a window.
  let length: Int

  /// The mean of the cross-entropy of each next byte, in nats, for `ids` and `targets` of type `i32[B, length]`.
  func loss(_ g: GraphBuilder) -> Tensor {
    let (ids, targets) = (g.input("ids", .i32, ["B", Extent(length)]), g.input("targets", .i32, ["B", Extent(length)]))
    let tokens = Embedding("tokens", in: g, count: 256, size: width)
    var x = tokens(ids) + Embedding("positions", in: g, count: length, size: width)(g.iota([Extent(length)]))
    for layer in 0..<layers {
      x = g.scope("layers.\(layer)") {
        let attention = MultiHeadAttention("attention", in: g, size: width, headCount: 4)
        let y = x + attention(LayerNorm("norm1", in: g, size: width)(x), mask: .causal())
        return y + FeedForward("mlp", in: g, size: width, hiddenSize: 4 * width)(LayerNorm("norm2", in: g, size: width)(y))
      }
    }
    let logits = matmul(LayerNorm("norm", in: g, size: width)(x), tokens.weight.transposed())
    return crossEntropy(logits, targets).named("loss")
  }
}

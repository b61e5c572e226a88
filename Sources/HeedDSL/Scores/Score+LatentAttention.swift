extension Score {
  /// The product of the rotated parts of queries and keys, which multi-head latent attention keeps apart from the rest, added.
  ///
  /// The compiler makes one product of the two sums.
  /// Source: DeepSeek-AI, "DeepSeek-V2", 2024; attention-gym, `latent_attention`.
  ///
  /// - Parameters:
  ///   - query: rotated, `[batch, heads, queries, width]`.
  ///   - key: rotated, `[batch, heads, keys, width]`; or one head for all, `[batch, 1, keys, width]`.
  ///   - scale: what their product is multiplied by.
  public static func latentRotary(query: Tensor, key: Tensor, scale: Double = 1) -> Score {
    Score { score, _ in score + matmul(query, key.transposed()) * scale }
  }
}

import HeedIR

/// The contrastive loss of two batches of embeddings, each of which is to be nearest to its own partner among all of the other batch.
///
/// Embeddings are floats `[B, D]`; of `others` there may be more, `[N, D]`: the first B are the partners, the rest further negatives. The
/// loss of a row is the cross-entropy of its similarities to all of the others, divided by the temperature, and its own place:
/// `logSumExp(s[i]) - s[i, i]`. Symmetric, it is the mean of that and of the same with the sides exchanged, over the partners alone.
///
/// Similarities are cosines, unless `normalizes` is false: then they are products. The loss is that of sentence-transformers'
/// `MultipleNegativesRankingLoss` (a scale of 20 is a temperature of 0.05), symmetric that of CLIP. The result is of the embeddings' type,
/// f32 for 16-bit floats; a scalar, or `[B]` without a reduction. Of more than a few rows no matrix of similarities is stored.
///
/// Sources: van den Oord, Li, Vinyals, "Representation learning with contrastive predictive coding", 2018; Henderson et al., "Efficient natural
/// language response suggestion for Smart Reply", 2017; Radford et al., "Learning transferable visual models from natural language
/// supervision", 2021.
public func infoNCE(
  _ embeddings: Tensor, _ others: Tensor, temperature: Double = 0.05, isSymmetric: Bool = false, normalizes: Bool = true,
  reduction: LossReduction = .mean, file: String = #filePath, line: Int = #line
) -> Tensor {
  embeddings.builder.located(file, line) {
    guard
      embeddings.builder.expect(
        temperature > 0 && temperature.isFinite, "infoNCE: got the temperature \(temperature), expected one above 0", nil)
    else { return embeddings.builder.poison(TensorType(embeddings.element.computed, .scalar)) }
    return contrast(embeddings, others, isSymmetric, normalizes, reduction) { $0 * (1 / temperature) }
  }
}

/// The same with a temperature that the graph computes: a scalar of the type of the embeddings, f32 for 16-bit floats. It may be learned.
public func infoNCE(
  _ embeddings: Tensor, _ others: Tensor, temperature: Tensor, isSymmetric: Bool = false, normalizes: Bool = true,
  reduction: LossReduction = .mean, file: String = #filePath, line: Int = #line
) -> Tensor {
  embeddings.builder.located(file, line) {
    let element = embeddings.element.computed
    guard temperature.rank == 0, temperature.element == element else {
      return embeddings.builder.fail(
        "infoNCE: got the temperature \(temperature.summary), expected a scalar \(element)", nil,
        guess: TensorType(element, .scalar))
    }
    return contrast(embeddings, others, isSymmetric, normalizes, reduction) { $0 / temperature }
  }
}

private func contrast(
  _ embeddings: Tensor, _ others: Tensor, _ isSymmetric: Bool, _ normalizes: Bool, _ reduction: LossReduction,
  scaled: (Tensor) -> Tensor
) -> Tensor {
  let (g, type) = (embeddings.builder, embeddings.type)
  guard type.element.isFloat, others.element == type.element, type.rank == 2, others.rank == 2,
    g.areEqual(type.shape[1], others.shape[1]), !(others.shape[0] - type.shape[0]).isAlwaysNegative
  else {
    return g.fail(
      "infoNCE: got \(embeddings.summary) and \(others.summary), expected floats [B, D] and [N, D] of one type, N at least B", nil,
      guess: TensorType(type.element.computed, reduction == .none ? [type.shape[0]] : .scalar))
  }
  func prepared(_ x: Tensor) -> Tensor {
    let wide = x.inLossType
    // Far below the square of any embedding's length; rows of zeros stay such.
    return normalizes ? wide * rsqrt(maximum((wide * wide).sum(-1, keepingDimensions: true), 1e-24)) : wide
  }
  let (left, right) = (prepared(embeddings), prepared(others))
  let partners = g.areEqual(type.shape[0], others.shape[0]) ? right : right[.range(0, type.shape[0])]
  let own = scaled((left * partners).sum(-1))
  var loss = logSumExp(scaled(matmul(left, right.transposed()))) - own
  if isSymmetric {
    loss = (loss + logSumExp(scaled(matmul(left, partners.transposed())), dimension: 0) - own) * 0.5
  }
  return loss.reduced(reduction)
}

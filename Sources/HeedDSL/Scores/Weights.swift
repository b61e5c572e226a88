import HeedIR

/// The softmax of scores and one further score per head, whose weight is dropped: an attention sink.
///
/// `exp(score) / (sum of exp(scores) + exp(sink))` along the last dimension; a row that is masked completely becomes zeros.
/// Source: OpenAI, "gpt-oss-120b & gpt-oss-20b", 2025; Xiao et al., "Efficient streaming language models with attention sinks", 2024.
///
/// - Parameters:
///   - scores: `[batch, heads..., queries, keys]`.
///   - sink: floats `[heads]`.
public func softmax(_ scores: Tensor, sink: Tensor, file: String = #filePath, line: Int = #line) -> Tensor {
  scores.builder.located(file, line) {
    let pair = Pairs(scores)
    let rows = Shape(pair.shape.extents.dropLast() + [1])
    let sink = pair.perHead(sink).broadcast(to: rows)
    let weights = softmax(concatenate([scores, sink], dimension: -1))
    return weights[.rest, .range(0, pair.keyCount)]
  }
}

/// A function of each score in place of the softmax, 0 for pairs that the mask leaves out: `weights(scores, .causal()) { relu($0) }`.
///
/// Rows are not normalised: the weighted sum is `sum over j of activation(score) * value`.
/// Source: Wortsman et al., "Replacing softmax with ReLU in vision transformers", 2023; attention-gym, `activation`.
public func weights(
  _ scores: Tensor, _ mask: Mask = .all, file: String = #filePath, line: Int = #line, _ activation: (_ score: Tensor) -> Tensor
) -> Tensor {
  scores.builder.located(file, line) {
    let result = scores.builder.asWritten { activation(scores) }
    return select(mask(Pairs(scores)), result, 0.0)
  }
}

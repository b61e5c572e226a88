import HeedIR

/// The cross-entropy of a probability `sigmoid(logit)` and a target from 0 to 1, for each element:
/// `-(p t log sigmoid(x) + (1 - t) log(1 - sigmoid(x)))`, where p is `positiveWeight`.
///
/// Logits, targets and weights are floats of one type whose shapes broadcast. It is computed from logits as
/// `(1 - t) x + (1 + (p - 1) t) softplus(-x)`, so that no logit is too large, as PyTorch's `binary_cross_entropy_with_logits` does.
/// The result is of their type, f32 for 16-bit floats; a scalar, or of their shape without a reduction.
///
/// - Parameters:
///   - weights: what the loss of each element is multiplied by; a mean still divides by the number of elements. Nil for 1.
///   - positiveWeight: what the first term is multiplied by, often the ratio of negative to positive examples. Nil for 1.
public func binaryCrossEntropy(
  logits: Tensor, _ targets: Tensor, weights: Tensor? = nil, positiveWeight: Tensor? = nil, reduction: LossReduction = .mean,
  file: String = #filePath, line: Int = #line
) -> Tensor {
  let g = logits.builder
  return g.located(file, line) {
    let all = [logits, targets] + [weights, positiveWeight].compactMap { $0 }
    guard logits.element.isFloat, all.allSatisfy({ $0.element == logits.element }) else {
      return g.fail(
        "binaryCrossEntropy: got \(all.map(\.summary).joined(separator: ", ")), expected floats of one type", nil,
        guess: TensorType(logits.element.computed, reduction == .none ? logits.shape : .scalar))
    }
    let (x, t) = (logits.inLossType, targets.inLossType)
    var loss: Tensor
    if let positiveWeight {
      loss = (1 - t) * x + (1 + (positiveWeight.inLossType - 1) * t) * softplus(-x)
    } else {
      loss = softplus(x) - x * t
    }
    if let weights { loss *= weights.inLossType }
    return loss.reduced(reduction)
  }
}

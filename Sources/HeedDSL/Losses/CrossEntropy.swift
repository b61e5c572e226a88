import HeedIR

/// The cross-entropy of softmax probabilities and labels: `-log softmax(logits)[label]` at each position.
///
/// Logits are floats `[..., classes]`, labels integers `[...]`. With a label smoothing of s the loss of a position is
/// `(1 - s) * -log p[label] + s * mean over classes of -log p`. With weights w, numbers `[classes]`, the first term is multiplied by
/// `w[label]`, those of the second each by their own, and the mean divides by the sum of `w[label]`: as PyTorch's `cross_entropy` does.
///
/// A position whose label is `ignoring` has the loss 0 and does not count in the mean, which is NaN where no position counts. The loss of a
/// position whose label is any other number outside of the classes is NaN; nothing is read there.
///
/// The result is of the logits' type, f32 for 16-bit floats; a scalar, or `[...]` without a reduction. Logits that are a product
/// with a table of classes are not stored, nor are their probabilities and gradients. A bias, a scale and a soft cap may stand between.
///
/// Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016 (smoothing).
///
/// - Parameters:
///   - ignoring: the label of positions that do not count; nil for none.
///   - labelSmoothing: from 0 to 1.
///   - weights: a weight for each class; nil for 1.
public func crossEntropy(
  _ logits: Tensor, _ labels: Tensor, ignoring: Int? = -100, labelSmoothing: Double = 0, weights: Tensor? = nil,
  reduction: LossReduction = .mean, file: String = #filePath, line: Int = #line
) -> Tensor {
  let g = logits.builder
  return g.located(file, line) {
    let positions = Shape(logits.shape.extents.dropLast())
    let guess = TensorType(logits.element.computed, reduction == .none ? positions : .scalar)
    guard logits.element.isFloat, logits.rank >= 1, labels.element.isInteger, g.areEqual(labels.shape, positions) else {
      return g.fail(
        "crossEntropy: got logits \(logits.summary) and labels \(labels.summary), expected floats [..., classes] and integers [...]",
        nil, guess: guess)
    }
    guard
      g.expect(
        (0...1).contains(labelSmoothing), "crossEntropy: got the label smoothing \(labelSmoothing), expected one from 0 to 1", nil)
    else { return g.poison(guess) }
    let classes = logits.shape[logits.rank - 1]
    if let weights, !weights.element.isFloat || weights.rank != 1 || !g.areEqual(weights.shape[0], classes) {
      return g.fail(
        "crossEntropy: got weights \(weights.summary) for logits \(logits.summary), expected floats [\(classes)]", nil, guess: guess
      )
    }
    let wide = logits.inLossType
    // Narrow integers do not hold every label to be ignored.
    let numbers = labels.element == .i64 ? labels : labels.cast(to: .i32)
    let counts = ignoring.map { numbers != $0 }
    let labels = counts.map { select($0, numbers, 0) } ?? numbers
    let logarithm = logSumExp(wide)
    let ofClasses = weights?.cast(to: wide.element)
    let ofLabels = ofClasses?.gather(labels)

    var loss = logarithm - wide.takeAlong(labels.expandingDimension(-1)).squeezingDimension(-1)
    if let ofLabels { loss *= ofLabels }
    if labelSmoothing > 0 {
      let rest =
        ofClasses.map { logarithm * $0.sum() - (wide * $0).sum(-1) }
        ?? (logarithm * g.size(classes, as: wide.element) - wide.sum(-1))
      loss = loss * (1 - labelSmoothing) + rest * (labelSmoothing / g.size(classes, as: wide.element))
    }
    if let counts { loss = select(counts, loss, 0.0) }
    // What a mean divides by.
    var count = ofLabels
    if let counts { count = count.map { select(counts, $0, 0.0) } ?? counts.cast(to: wide.element) }
    return loss.reduced(reduction, count: count?.sum())
  }
}

import HeedIR

/// The squared difference of predictions and targets, floats of one type whose shapes broadcast: `(prediction - target)^2`.
///
/// The result is of their type, f32 for 16-bit floats; a scalar, or of their shape without a reduction.
public func meanSquaredError(
  _ predictions: Tensor, _ targets: Tensor, reduction: LossReduction = .mean, file: String = #filePath, line: Int = #line
) -> Tensor {
  let g = predictions.builder
  return g.located(file, line) {
    guard predictions.element.isFloat, targets.element == predictions.element else {
      return g.fail(
        "meanSquaredError: got \(predictions.summary) and \(targets.summary), expected floats of one type", nil,
        guess: TensorType(predictions.element.computed, reduction == .none ? predictions.shape : .scalar))
    }
    let difference = predictions.inLossType - targets.inLossType
    return (difference * difference).reduced(reduction)
  }
}

/// Adam's second moment from sums of rows and columns alone: a matrix of n x m keeps n + m numbers.
///
/// The moment of a matrix is the product of the means of its rows' and columns' squared gradients over the mean of all. Steps are relative
/// to the size of the parameter, and never larger than `threshold` times the learning rate in root mean square. As torch.optim.Adafactor.
///
/// Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (2018).
public struct Adafactor: Optimizer {
  /// The moment keeps 1 - step^decayExponent of itself.
  public var decayExponent: Double
  /// The least size of a parameter that steps are relative to.
  public var leastScale: Double
  /// The greatest root mean square of an update before the learning rate.
  public var threshold: Double
  /// What of a parameter, times the learning rate, a step takes away.
  public var weightDecay: Double

  /// What is added to squares so that their roots have inverses: f32's epsilon.
  private static let least = 0x1p-23

  /// Adafactor with these numbers.
  public init(decayExponent: Double = -0.8, leastScale: Double = 1e-3, threshold: Double = 1, weightDecay: Double = 0) {
    (self.decayExponent, self.leastScale) = (decayExponent, leastScale)
    (self.threshold, self.weightDecay) = (threshold, weightDecay)
  }

  /// The parameter after the step.
  public func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor {
    let new = pow(step.number, decayExponent).cast(to: step.element)
    let rate = minimum(step.learningRate, rsqrt(step.number).cast(to: step.element))
    let alpha = rate * maximum(rootMeanSquare(parameter), leastScale)
    let decayed = step.decay(weightDecay).map { parameter * (1 - $0) } ?? parameter
    func mixed(_ kind: String, _ squares: Tensor) -> Tensor {
      let old = step.state(kind, squares.shape)
      return step.update(old, to: old + (squares - old) * new)
    }
    let squares = gradient * gradient
    let moment: Tensor
    if parameter.rank > 1 {
      let rows = mixed("row_moment", squares.mean(-1, keepingDimensions: true))
      let columns = mixed("column_moment", squares.mean(-2, keepingDimensions: true))
      moment = rows * columns / maximum(rows.mean(-2, keepingDimensions: true), Self.least)
    } else {
      moment = mixed("second_moment", squares)
    }
    let update = rsqrt(maximum(moment, Self.least * Self.least)) * gradient
    return decayed - alpha / maximum(rootMeanSquare(update) / threshold, 1.0) * update
  }

  private func rootMeanSquare(_ x: Tensor) -> Tensor { sqrt((x * x).mean()) }
}

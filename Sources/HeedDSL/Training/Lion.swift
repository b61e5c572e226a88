/// Steps of one size, in the direction of the sign of a momentum.
///
/// The parameter loses learningRate * (sign(beta1 * m + (1 - beta1) * g) + weightDecay * parameter); then m = beta2 * m + (1 - beta2) * g.
/// Learning rates are about a tenth of Adam's, decays about ten times.
///
/// Source: Chen and others, "Symbolic discovery of optimization algorithms" (2023).
public struct Lion: Optimizer {
  /// What of the momentum counts in the direction.
  public var beta1: Double
  /// What of the momentum a step keeps.
  public var beta2: Double
  /// What of a parameter, times the learning rate, a step takes away.
  public var weightDecay: Double

  /// Lion with these numbers.
  public init(beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0) {
    (self.beta1, self.beta2, self.weightDecay) = (beta1, beta2, weightDecay)
  }

  /// The parameter after the step.
  public func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor {
    let momentum = step.state("momentum", parameter.shape)
    let direction = momentum * beta1 + gradient * (1 - beta1)
    step.update(momentum, to: momentum * beta2 + gradient * (1 - beta2))
    let sign = select(direction > 0, 1.0, select(direction < 0, -1.0, direction))
    let decayed = step.decay(weightDecay).map { parameter * (1 - $0) } ?? parameter
    return decayed - step.learningRate * sign
  }
}

/// Stochastic gradient descent, with momentum.
///
/// With the gradient g, to which `weightDecay` times the parameter is added, and the velocity v: v = momentum * v + g, and the parameter
/// loses learningRate * v; with Nesterov's momentum learningRate * (g + momentum * v). As torch.optim.SGD.
public struct SGD: Optimizer {
  /// What of the velocity a step keeps.
  public var momentum: Double
  /// Whether the gradient counts once more, as if it were taken a step ahead.
  public var isNesterov: Bool
  /// What of the parameter is added to the gradient.
  public var weightDecay: Double

  /// Descent with these numbers.
  public init(momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0) {
    (self.momentum, self.isNesterov, self.weightDecay) = (momentum, isNesterov, weightDecay)
  }

  /// The parameter after the step.
  public func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor {
    let gradient = step.decays && weightDecay != 0 ? gradient + parameter * weightDecay : gradient
    guard momentum != 0 else { return parameter - step.learningRate * gradient }
    let old = step.state("velocity", parameter.shape)
    let velocity = step.update(old, to: old * momentum + gradient)
    return parameter - step.learningRate * (isNesterov ? gradient + velocity * momentum : velocity)
  }
}

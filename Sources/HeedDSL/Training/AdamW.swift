/// Adam with decay of weights apart from the gradient.
///
/// Moments m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g^2, each divided by 1 - beta^step. The parameter loses
/// learningRate * weightDecay of itself, then learningRate * m / (sqrt(v) + epsilon). As torch.optim.AdamW.
///
/// Sources: Kingma and Ba, "Adam: a method for stochastic optimization" (2014); Loshchilov and Hutter, "Decoupled weight decay
/// regularization" (2017).
public struct AdamW: Optimizer {
  /// What of the first moment a step keeps.
  public var beta1: Double
  /// What of the second moment a step keeps.
  public var beta2: Double
  /// What is added to the root of the second moment.
  public var epsilon: Double
  /// What of a parameter, times the learning rate, a step takes away.
  public var weightDecay: Double

  /// Adam with these numbers.
  public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01) {
    (self.beta1, self.beta2, self.epsilon, self.weightDecay) = (beta1, beta2, epsilon, weightDecay)
  }

  /// The parameter after the step.
  public func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor {
    let (first, second) = (step.state("first_moment", parameter.shape), step.state("second_moment", parameter.shape))
    let m = step.update(first, to: first * beta1 + gradient * (1 - beta1))
    let v = step.update(second, to: second * beta2 + gradient * gradient * (1 - beta2))
    // One minus a power near 1: in double precision.
    let rate = (step.learningRate.cast(to: .f64) / (1 - pow(beta1, step.number))).cast(to: step.element)
    let scale = rsqrt(1 - pow(beta2, step.number)).cast(to: step.element)
    let decayed = step.decay(weightDecay).map { parameter * (1 - $0) } ?? parameter
    return decayed - rate * m / (sqrt(v) * scale + epsilon)
  }
}

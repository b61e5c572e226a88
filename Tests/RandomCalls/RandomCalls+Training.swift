import HeedDSL
import HeedIR

/// An optimiser of a user's own.
private struct OneState: Optimizer {
  func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor {
    let state = step.state("mine", gradient.shape)
    return parameter - step.update(state, to: state + gradient) * step.learningRate * step.number
  }
}

extension RandomCall {
  /// Calls that make and replace states.
  nonisolated(unsafe) static let training: [RandomCall] = [
    RandomCall("state update") {
      let state = $0.g.state($0.name(), $0.element(), $0.shape(), initial: $0.optional { $0.double() })
      let target = $0.flag() ? state : $0.tensor()
      guard $0.flag() else { return target.update(to: $0.flag() ? state + 1 : $0.tensor()) }
      return target.update(at: $0.integer(), with: $0.tensor(), dimension: $0.int())
    },
    RandomCall("minimize") {
      let rates: [LearningRate] = [
        0.1, .constant($0.double()), .linear(from: $0.double(), to: 0, over: $0.int()),
        .cosine(from: 1, to: $0.double(), over: $0.int()).warmedUp(over: $0.int()), LearningRate { $0 * 2 },
      ]
      let optimizers: [any Optimizer] = [
        SGD(momentum: $0.double(), isNesterov: $0.flag()), AdamW(), Lion(), Adafactor(), OneState(),
      ]
      func minimize(_ optimizer: some Optimizer, _ arguments: inout BadArguments) -> TrainingStep {
        arguments.g.minimize(
          arguments.flag() ? arguments.float().sum() : arguments.tensor(), by: optimizer, learningRate: arguments.pick(rates),
          parameters: arguments.optional { [$0.float(), $0.tensor()] }, decaying: arguments.flag() ? { $0 == "x" } : nil,
          clippingNorm: arguments.optional { $0.double() }, accumulating: arguments.int(),
          averaging: arguments.optional { $0.double() }, lossScale: arguments.optional { $0.double() })
      }
      let optimizer: any Optimizer = $0.pick(optimizers)
      let step = minimize(optimizer, &$0)
      return [step.gradientNorm, step.learningRate, step.isMade, step.count]
    },
  ]
}

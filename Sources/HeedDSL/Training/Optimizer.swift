public import HeedIR

/// How a step of training changes a parameter.
///
/// ```swift
/// struct SignDescent: Optimizer {
///   func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor {
///     parameter - step.learningRate * select(gradient > 0, 1.0, -1.0)
///   }
/// }
/// ```
public protocol Optimizer: Sendable {
  /// The parameter after the step. All are of the type `step.element`, whatever the type that the parameter is kept in.
  func updated(_ parameter: Tensor, gradient: Tensor, in step: OptimizerStep) -> Tensor
}

/// What an optimiser may read of a step, and what it keeps of a parameter from step to step.
public struct OptimizerStep {
  /// The number of the step, from 1: an f64.
  public let number: Tensor
  /// The type that the step is computed in: f64 where a parameter is, else f32.
  public let element: ElementType
  /// The learning rate of the step.
  public let learningRate: Tensor
  /// Whether weights decay: as `minimize(decaying:)` says of the parameter's name.
  public let decays: Bool

  let builder: GraphBuilder
  /// The parameter's name.
  let name: String
  /// Whether the step is made: a bool; nil for always.
  let isMade: Tensor?

  /// What the optimiser keeps of the parameter under a name: `optimizer.first_moment.weight`. It is 0 before the first step.
  public func state(_ kind: String, _ shape: Shape) -> Tensor {
    builder.state("optimizer.\(kind).\(name)", element, shape, initial: 0)
  }

  /// Makes the step replace what is kept, and returns what replaces it.
  @discardableResult
  public func update(_ state: Tensor, to new: Tensor) -> Tensor {
    state.update(to: made(new, else: state))
    return new
  }

  /// What replaces a state where the step is made, else what it was.
  func made(_ new: Tensor, else old: Tensor) -> Tensor { isMade.map { select($0, new, old) } ?? new }

  /// The learning rate times the decay of weights; nil where there is none.
  func decay(_ rate: Double) -> Tensor? { decays && rate != 0 ? learningRate * rate : nil }
}

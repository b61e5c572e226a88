import Heed

/// A model that learns: its step, what its weights begin with, and a program that evaluates it.
struct Learner {
  private let step: CompiledGraph
  private let evaluation: CompiledGraph?
  private let stepGraph: Graph
  private let initializers: Initializers

  /// - Parameters:
  ///   - optimizer: what a step does with the gradients.
  ///   - rate: the learning rate, by the number of steps made.
  ///   - loss: builds the model and what it is trained to make small.
  ///   - outputs: builds the model and what is asked of it after training; nil for nothing.
  init(
    _ optimizer: some Optimizer = AdamW(), rate: LearningRate, clippingNorm: Double? = 1, loss: (GraphBuilder) -> Tensor,
    outputs: ((GraphBuilder) -> [Tensor])? = nil
  ) throws {
    var initializers = Initializers()
    stepGraph = try Graph(building: "step") { g in
      let loss = loss(g)
      g.minimize(loss, by: optimizer, learningRate: rate, clippingNorm: clippingNorm)
      initializers = g.initializers
      return loss
    }
    self.initializers = initializers
    step = try stepGraph.compile()
    evaluation = try outputs.map { outputs in try Graph(building: "model", outputs).compile() }
  }

  /// Makes the steps on batches and returns the weights, with the loss of each step.
  /// - Parameters:
  ///   - batch: the inputs of a step, by its number.
  ///   - interval: after how many steps the model is shown to `observe`, each time.
  func train(
    steps: Int, seed: Int, observing interval: Int = .max, observe: (_ made: Int, TrainedModel) throws -> Void = { _, _ in },
    batch: (Int) throws -> [String: NDArray]
  ) throws -> (model: TrainedModel, losses: [Double]) {
    var state = try stepGraph.initialState(initializers.arrays(for: stepGraph, seed: UInt64(seed)))
    var losses: [Double] = []
    for number in 0..<steps {
      let loss: NDArray = try step(batch(number), updating: &state)
      losses.append(Double(try loss.float()))
      if (number + 1) % interval == 0 { try observe(number + 1, model(state)) }
    }
    return (try model(state), losses)
  }

  private func model(_ state: GraphState) throws -> TrainedModel {
    TrainedModel(program: try evaluation?.load(state), state: state)
  }
}

/// A model with its weights.
struct TrainedModel {
  fileprivate let program: CompiledGraph?
  /// The weights, and what the optimiser keeps.
  let state: GraphState

  /// What the model returns for inputs.
  func callAsFunction(_ inputs: [String: NDArray]) throws -> Outputs {
    guard let program else { preconditionFailure("a learner without outputs was asked for them") }
    return try program(inputs)
  }
}

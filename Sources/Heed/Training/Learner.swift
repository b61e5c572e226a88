public import HeedArrays
public import HeedDSL
public import HeedIR

/// Trains a model in memory, on batches that a closure makes. `Trainer` is for long runs: it saves them, and goes on from what it saved.
///
/// ```swift
/// let learner = try Learner(AdamW(), learningRate: 1e-2, clippingNorm: 1) { g in
///   crossEntropy(classifier(g), g.input("labels", .i32, ["B"]))
/// } outputs: { g in
///   [classifier(g).named("logits")]
/// }
/// let (model, losses) = try learner.train(steps: 500, seed: 1) { step in ["x": x(step), "labels": labels(step)] }
/// let logits = try model(["x": x])["logits"]!
/// try model.state.write(to: "classifier.safetensors")
/// ```
///
/// It is compiled once and may train any number of models, each from a seed of its own. The same seed and batches make a model of the same
/// bits, at any number of threads.
public struct Learner: Sendable {
  /// The graph of a step.
  public let graph: Graph
  /// What parameters hold before training: as their layers say, until a pattern of names is given another initialiser.
  public var initializers: Initializers
  private let program: CompiledGraph
  private let lossName: String
  private let evaluation: CompiledGraph?

  /// A learner whose steps make a loss small.
  /// - Parameters:
  ///   - optimizer: what a step does with the gradients.
  ///   - learningRate: the rate, by the number of steps made.
  ///   - clippingNorm: the greatest norm of all gradients together; nil for no limit.
  ///   - loss: builds the model and its loss, one float.
  ///   - outputs: builds what is asked of the model once it is trained, with the same parameters; nil for nothing.
  /// - Throws: `HeedError`, the first mistake in a closure, or what it throws.
  public init(
    _ optimizer: some Optimizer = AdamW(), learningRate: LearningRate, clippingNorm: Double? = nil,
    options: CompileOptions = CompileOptions(), file: String = #filePath, line: Int = #line,
    loss: (GraphBuilder) throws -> Tensor, outputs: ((GraphBuilder) throws -> [Tensor])? = nil
  ) throws {
    try self.init(
      options: options, file: file, line: line,
      step: { g in
        let loss = try loss(g)
        g.minimize(loss, by: optimizer, learningRate: learningRate, clippingNorm: clippingNorm, file: file, line: line)
        return loss
      }, outputs: outputs)
  }

  /// A learner with a step of one's own: for what else `minimize` can be asked for, adapters and averages of weights among it.
  /// - Parameters:
  ///   - step: builds the model and its loss, calls `minimize`, and returns the loss. Where it returns other numbers too, the loss is the
  ///     one called `loss`.
  ///   - outputs: as above.
  /// - Throws: `HeedError` as above, and where the step replaces nothing or returns no such number.
  public init(
    options: CompileOptions = CompileOptions(), file: String = #filePath, line: Int = #line,
    step: (GraphBuilder) throws -> some GraphOutput, outputs: ((GraphBuilder) throws -> [Tensor])? = nil
  ) throws {
    (graph, initializers) = try Graph.withInitializers("step", file: file, line: line, step)
    guard !graph.states.isEmpty else {
      throw HeedError("got a step that replaces nothing, expected one that calls minimize", at: CallSite(file, line).location)
    }
    program = try graph.compile(options)
    lossName = try StepMetrics.chosen(nil, among: StepMetrics.names(of: program), of: program)
    evaluation = try outputs.map { try Graph(building: "model", file: file, line: line, $0).compile(options) }
  }

  /// Makes steps and returns the model, with the loss of each step.
  /// - Parameters:
  ///   - steps: how many; none is a model that was not trained.
  ///   - seed: determines what parameters begin with and, where a step has an integer input `seed`, the number that each step gets: for
  ///     dropout.
  ///   - state: arrays that are there already: weights of a pretrained model, or all that an earlier training left. What it lacks is made
  ///     anew.
  ///   - interval: after how many steps the model is shown to `observe`, each time.
  ///   - observe: takes the number of steps made and the model as it is then.
  ///   - batch: the inputs of a step, by its number from 0.
  /// - Throws: `HeedError` in one line that names the step: where a batch is not what the step takes, where the loss is not finite, and
  ///   what a closure throws.
  public func train(
    steps: Int, seed: some BinaryInteger, from state: GraphState = GraphState(), observing interval: Int = 1,
    observe: ((_ made: Int, _ model: TrainedModel) throws -> Void)? = nil, batch: (_ step: Int) throws -> [String: NDArray]
  ) throws -> (model: TrainedModel, losses: [Double]) {
    guard steps >= 0 else { throw HeedError("train: got \(steps) steps, expected at least 0") }
    guard interval > 0 else { throw HeedError("train: got an observation every \(interval) steps, expected at least 1") }
    let seed = UInt64(truncatingIfNeeded: seed)
    var state = try graph.initialState(initializers.arrays(for: graph, seed: seed, given: state.arrays))
    var losses: [Double] = []
    for number in 0..<steps {
      do {
        losses.append(try loss(of: batch(number), step: number, seed: seed, updating: &state))
        if let observe, (number + 1) % interval == 0 { try observe(number + 1, model(state)) }
      } catch let error as HeedError {
        throw error.during("step \(number + 1)")
      }
    }
    return (try model(state), losses)
  }

  /// Makes one step.
  private func loss(of batch: [String: NDArray], step: Int, seed: UInt64, updating state: inout GraphState) throws -> Double {
    let outputs: Outputs = try program(program.inputs(batch, step: step, seed: seed), updating: &state)
    let loss = try outputs[lossName]!.doubles()[0]
    guard loss.isFinite else { throw HeedError("got the loss \(loss), expected a finite number") }
    return loss
  }

  private func model(_ state: GraphState) throws -> TrainedModel {
    TrainedModel(state: state, program: try evaluation?.load(state))
  }
}

/// A model and its weights.
public struct TrainedModel: Sendable {
  /// The weights, and what the optimiser keeps under names that begin with `optimizer.`.
  public let state: GraphState
  /// The outputs of the model with these weights; nil where the learner has none.
  public let program: CompiledGraph?

  /// What the model returns for inputs.
  /// - Throws: as a call of a compiled graph does, and where the learner has no outputs.
  public func callAsFunction(_ inputs: [String: NDArray] = [:]) throws -> Outputs {
    guard let program else { throw HeedError("got a call of a model without outputs, expected a Learner with outputs:") }
    return try program(inputs)
  }
}

internal import HeedArrays
public import HeedData
internal import HeedIR

/// How a run measures its model on data that it does not train on.
///
/// ```swift
/// trainer.evaluation = try TrainingEvaluation(model.compile(), on: Batches(heldOut, size: .samples(16), seed: nil), every: 100)
/// trainer.evaluation?.patience = 5
/// ```
public struct TrainingEvaluation: Sendable {
  /// Which numbers of an evaluation are better.
  public enum Direction: String, Sendable {
    /// Smaller ones, as of a loss.
    case smaller
    /// Larger ones, as of an accuracy.
    case larger
  }

  /// The steps from one evaluation to the next. After the last step there is one too.
  public var interval: Int
  /// The number that says which state is the best one.
  public var metric: String
  /// Whether smaller or larger ones are better.
  public var direction = Direction.smaller
  /// How many evaluations in a row may be no better than the best before the run stops; nil for any number.
  public var patience: Int?
  /// By how much a number must be better to count.
  public var leastImprovement = 0.0

  let measure: @Sendable (_ state: GraphState, Context) async throws -> [String: Double]

  /// What an evaluation may ask of the run.
  struct Context {
    /// Arrays that do not change.
    let parameters: [String: NDArray]
    /// Whether the run is to end.
    let isInterrupted: () -> Bool
  }

  /// Evaluates with a function of one's own: retrieval, samples of text.
  /// - Parameters:
  ///   - interval: the steps from one evaluation to the next.
  ///   - metric: which of the numbers says what is best.
  ///   - measure: the numbers, by name, of a state.
  public init(
    every interval: Int, metric: String, measure: @escaping @Sendable (_ state: GraphState) async throws -> [String: Double]
  ) {
    (self.interval, self.metric) = (interval, metric)
    self.measure = { state, _ in try await measure(state) }
  }

  /// Evaluates with a graph: the means of all numbers that it returns, over one epoch of batches, each counted by its samples.
  /// - Parameters:
  ///   - program: takes the weights as parameters and the arrays of a batch as inputs.
  ///   - data: what to evaluate on.
  ///   - interval: the steps from one evaluation to the next.
  ///   - metric: which number says what is best; nil for `loss`, or the only one.
  ///   - usesAverages: whether weights are the moving averages that `minimize(averaging:)` keeps.
  /// - Throws: `HeedError` where the program returns no such number.
  public init(
    _ program: CompiledGraph, on data: Batches<some Dataset>, every interval: Int, metric: String? = nil, usesAverages: Bool = false
  ) throws {
    let names = StepMetrics.names(of: program)
    self.interval = interval
    self.metric = try StepMetrics.chosen(metric, among: names, of: program)
    let weights = program.lowered.source.parameters.map(\.name)
    measure = { state, context in
      var bound: [String: NDArray] = [:]
      for name in weights {
        let average = usesAverages ? state["average.\(name)"] : nil
        bound[name] = average ?? state[name] ?? context.parameters[name]
      }
      let loaded = weights.isEmpty ? program : try program.load(parameters: bound)
      var (sums, count): ([String: Double], Int) = ([:], 0)
      for try await batch in data.stream(epochs: 1) {
        // The loop saves the run, and evaluates again when it goes on.
        if context.isInterrupted() { throw CancellationError() }
        for (name, value) in try StepMetrics(loaded(batch.arrays)).values {
          sums[name, default: 0] += value * Double(batch.samples.count)
        }
        count += batch.samples.count
      }
      return sums.mapValues { $0 / Double(count) }
    }
  }

  /// Whether a number is better than the best so far.
  func isBetter(_ value: Double, than best: Double?) -> Bool {
    guard value.isFinite else { return false }
    guard let best else { return true }
    return direction == .smaller ? value < best - leastImprovement : value > best + leastImprovement
  }
}

public import HeedArrays
public import HeedData
internal import HeedIR

/// Trains a model: calls the compiled graph of a step for each batch, and looks after evaluations, checkpoints, metrics and progress.
///
/// ```swift
/// var trainer = try Trainer(step.compile(), on: Batches(training, size: .samples(16), seed: 1), length: .epochs(3), folder: "run")
/// trainer.evaluation = try TrainingEvaluation(model.compile(), on: Batches(heldOut, size: .samples(16), seed: nil), every: 100)
/// let result = try await trainer.train(from: step.initialState(weights), start: .resumeWherePossible)
/// ```
///
/// In the folder of the run it writes
///
/// - `checkpoint-00000100.safetensors` and so on: all that the rest of the run follows from (`TrainingCheckpoint`);
/// - `best.safetensors`, the checkpoint of the best evaluation;
/// - `metrics.jsonl`, the numbers of each step and each evaluation;
/// - `loss.svg`, the loss curve.
///
/// A run that is stopped in any way, and resumed, ends with the bits of a run that never stopped, at any number of threads.
///
/// The loop has a thread of its own; the caller's waits, and is free for other tasks. Where the caller's task is cancelled, the step that
/// is being made is finished, and the run is saved.
public struct Trainer: Sendable {
  /// A step: takes the arrays of a batch, updates the state, and returns the loss. All other scalars that it returns are metrics too.
  public let program: CompiledGraph
  /// The batches.
  public let data: TrainingData
  /// How long the run is.
  public var length: TrainingLength
  /// Where files are written. It is made where it is missing.
  public let folder: String
  /// The result that is the loss.
  public let loss: String
  /// Arrays that do not change: the parameters of the step's graph, and those of the evaluation's that are not in the state.
  public let parameters: [String: NDArray]
  /// Determines the numbers that are random in a step. Where the step's graph has an integer input `seed`, each call gets a number that
  /// follows from this one and the number of steps made.
  public var seed: UInt64 = 0
  /// How the model is measured on other data; nil for not at all.
  public var evaluation: TrainingEvaluation?
  /// The steps from one checkpoint to the next. There is also one of the start, and one of the end.
  public var checkpointInterval = 100
  /// How many checkpoints are kept: the last ones; the best one is kept beside them.
  public var keptCheckpointCount = 3
  /// What is said on standard error.
  public var progress = TrainingProgress.lines(every: 100)
  /// Whether SIGINT and SIGTERM, while the run lasts, finish the step and save it. A second one ends the process at once.
  public var handlesSignals = false
  /// The command that resumes the run, for what is said when it was interrupted; nil for words.
  public var resumeCommand: String?
  /// What stands above the loss curve.
  public var title: String
  /// What the loss is counted in, for the curve: `nats per byte`.
  public var lossUnit: String?

  /// A run.
  /// - Parameters:
  ///   - program: a step. Its parameters may be loaded already; the cause of a loss that is not finite cannot be found then.
  ///   - data: the batches.
  ///   - length: how long the run is.
  ///   - folder: where files are written.
  ///   - loss: the result that is the loss; nil for the one called `loss`, or the only one.
  ///   - parameters: arrays that the step's graph takes as parameters, and does not change.
  /// - Throws: `HeedError` where the program returns no such number, or does not take these parameters.
  public init(
    _ program: CompiledGraph, on data: TrainingData, length: TrainingLength, folder: String, loss: String? = nil,
    parameters: [String: NDArray] = [:]
  ) throws {
    let names = StepMetrics.names(of: program)
    self.loss = try StepMetrics.chosen(loss, among: names, of: program)
    for name in names where MetricsFile.reservedNames.contains(name) {
      throw HeedError("got a result '\(name)' of \(program.program.name), expected another name: metrics have their own '\(name)'")
    }
    let taken = Set(program.lowered.source.parameters.map(\.name))
    self.program =
      taken.isEmpty || parameters.isEmpty ? program : try program.load(parameters: parameters.filter { taken.contains($0.key) })
    (self.data, self.length, self.folder, self.parameters) = (data, length, folder, parameters)
    title = "\(program.program.name) in \(folder)"
  }

  /// The same for the batches of a dataset.
  /// - Throws: `HeedError` as above, and where samples cannot be read.
  public init(
    _ program: CompiledGraph, on batches: Batches<some Dataset>, length: TrainingLength, folder: String, loss: String? = nil,
    parameters: [String: NDArray] = [:]
  ) throws {
    try self.init(program, on: TrainingData(batches), length: length, folder: folder, loss: loss, parameters: parameters)
  }

  /// Trains until the run is done, is stopped early, or is interrupted.
  /// - Parameters:
  ///   - state: the state before the first step; not asked for where the run is resumed.
  ///   - start: whether the run may go on from the checkpoints in the folder.
  /// - Throws: `HeedError` in one line: where the folder has checkpoints and should not, or has none and should; where the newest of them
  ///   is of other data; where a file cannot be written, after which the last checkpoint is as it was; where the loss is not finite; and
  ///   what a call of the programs throws.
  public func train(
    from state: @autoclosure () throws -> GraphState, start: TrainingStart = .new
  ) async throws -> TrainingResult {
    try validate()
    return try await train(from: goesOn(start) ? .newestCheckpoint : .state(try state()))
  }

  /// Trains on from a checkpoint. Where it lies in the folder of the run, the folder goes back to its step: later checkpoints and metrics
  /// are removed. Where it lies elsewhere, the folder must have no checkpoints.
  /// - Throws: `HeedError` as above, and where the checkpoint is damaged.
  public func train(resuming checkpoint: String) async throws -> TrainingResult {
    try validate()
    let own = CheckpointFolder(path: folder)
    if !own.contains(checkpoint) { _ = try goesOn(.new) }
    return try await train(from: .checkpoint(checkpoint))
  }

  private func validate() throws {
    let numbers = [
      ("a checkpoint every", checkpointInterval, "steps"), ("the last", keptCheckpointCount, "checkpoints to keep"),
      ("an evaluation every", evaluation?.interval ?? 1, "steps"), ("a patience of", evaluation?.patience ?? 1, "evaluations"),
    ]
    for (name, number, unit) in numbers where number < 1 { throw HeedError("got \(name) \(number) \(unit), expected at least 1") }
  }

  private func train(from origin: consuming RunOrigin) async throws -> TrainingResult {
    // Not to hold a second reference to the state while the loop changes it in place.
    let place = Lock(Optional(origin))
    return try await withTaskExecutorPreference(LoopExecutor()) {
      var loop = TrainingLoop(self)
      return try await loop.run(from: place.withLock { $0.take()! })
    }
  }

  /// Whether the folder has checkpoints to go on from.
  private func goesOn(_ start: TrainingStart) throws -> Bool {
    guard let last = CheckpointFolder(path: folder).steps.last else {
      guard start != .resume else { throw HeedError("got no checkpoint in \(folder) to resume, expected one") }
      return false
    }
    guard start != .new else {
      throw HeedError(
        "got the folder \(folder) for a new run, which has checkpoints up to step \(last); expected one without, or to resume it")
    }
    return true
  }
}

/// Whether a run goes on from the checkpoints in its folder.
public enum TrainingStart: Hashable, Sendable {
  /// A folder with checkpoints is an error, so that no run is lost.
  case new
  /// Goes on from the newest whole checkpoint; none is an error.
  case resume
  /// Goes on from the newest whole checkpoint; where there is none, the run is new.
  case resumeWherePossible
}

/// What a run begins with.
enum RunOrigin: Sendable {
  case state(GraphState)
  case checkpoint(String)
  /// The newest whole one in the folder.
  case newestCheckpoint
}

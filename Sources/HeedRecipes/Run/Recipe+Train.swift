public import Heed

extension Recipe {
  /// Trains, writes the output, and measures before and after on held-out data.
  /// - Parameters:
  ///   - start: whether the run may go on from the checkpoints in its folder.
  ///   - threads: the number of threads; nil for all cores. Results do not depend on it.
  ///   - configure: changes what the trainer says and does besides: progress, signals.
  /// - Throws: `HeedError` of one line: where a file is missing or unfit, and as `Trainer.train` does.
  public func train(
    start: TrainingStart = .new, threads: Int? = nil, configure: (inout Trainer) -> Void = { _ in }
  ) async throws -> RecipeReport {
    switch subject {
    case .model(let encoder):
      return try await EncoderRun(self, encoder, CompileOptions(threads: threads)).train(start, configure)
    case .graph(let graph): return try await GraphRun(self, graph, CompileOptions(threads: threads)).train(start, configure)
    }
  }

  /// The trainer of a step on some batches.
  func trainer(
    _ program: CompiledGraph, on batches: Batches<some Dataset>, loss: String, parameters: [String: NDArray],
    evaluation: TrainingEvaluation?
  ) throws -> Trainer {
    let length: TrainingLength =
      switch training.length {
      case .steps(let count): .steps(count)
      case .epochs(let count): .epochs(count)
      }
    var trainer = try Trainer(program, on: batches, length: length, folder: runFolder, loss: loss, parameters: parameters)
    trainer.seed = training.seed
    if let interval = outputs.checkpointInterval { trainer.checkpointInterval = interval }
    if let count = outputs.keptCheckpointCount { trainer.keptCheckpointCount = count }
    trainer.evaluation = evaluation
    trainer.evaluation?.patience = outputs.evaluation?.patience
    return trainer
  }

  /// The state that the output is made of; nil where the run was interrupted.
  func finalState(_ result: TrainingResult) throws -> GraphState? {
    switch result.end {
    case .interrupted, .cancelled: nil
    case .completed, .stoppedEarly:
      outputs.takesBest ? try TrainingCheckpoint(contentsOf: runFolder + "/best.safetensors").state : result.state
    }
  }
}

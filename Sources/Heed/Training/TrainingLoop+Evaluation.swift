internal import HeedIR
internal import HeedSystem

extension TrainingLoop {
  /// Evaluates after every so many steps. Returns `stoppedEarly` where patience is at its end.
  mutating func evaluateWhereDue() async throws -> TrainingResult.End? {
    guard let evaluation = trainer.evaluation else { return nil }
    let (step, last) = (checkpoint.step, checkpoint.evaluatedStep)
    if step > 0, last != step, step % evaluation.interval == 0 {
      do { try await evaluate() } catch is CancellationError { return requestedEnd ?? .cancelled }
    }
    guard let patience = evaluation.patience, checkpoint.patienceCount >= patience else { return nil }
    return .stoppedEarly
  }

  /// Measures the model, and keeps it where it is the best so far.
  mutating func evaluate() async throws {
    guard let evaluation = trainer.evaluation else { return }
    let start = clock.now
    let handlesSignals = trainer.handlesSignals
    let context = TrainingEvaluation.Context(parameters: trainer.parameters) { handlesSignals && InterruptSignals.name != nil }
    let numbers = try await evaluation.measure(checkpoint.state, context)
    let seconds = (clock.now - start) / .seconds(1)
    guard let value = numbers[evaluation.metric] else {
      let got = numbers.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
      throw HeedError("got \(got.isEmpty ? "no number" : got) of an evaluation, expected one called '\(evaluation.metric)'")
    }
    let isBest = evaluation.isBetter(value, than: checkpoint.best)
    let line = MetricsFile.Line(
      step: checkpoint.step, epoch: checkpoint.position.epoch,
      values: numbers.sorted { $0.key < $1.key }.map { ("evaluation_\($0.key)", $0.value) }, isBest: isBest, seconds: seconds)
    try writing { try $0.metrics?.append(line) }
    curve.add(line)
    (checkpoint.evaluatedStep, isUnsaved) = (checkpoint.step, true)
    checkpoint.patienceCount = isBest ? 0 : checkpoint.patienceCount + 1
    if isBest {
      (checkpoint.best, checkpoint.bestStep) = (value, checkpoint.step)
      try writing { try $0.checkpoint.write(to: $0.folder.best) }
    }
    writer.message(
      "step \(checkpoint.step)  evaluation: \(evaluation.metric) \(shortNumber(value))"
        + (isBest
          ? ", the best so far" : ", best \(checkpoint.best.map(shortNumber) ?? "none") after step \(checkpoint.bestStep ?? 0)"))
  }
}

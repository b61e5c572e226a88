internal import HeedData
internal import HeedIR

extension TrainingLoop {
  /// Makes the step of a batch.
  mutating func step(_ batch: Batch) async throws {
    let number = checkpoint.step + 1
    let start = clock.now
    let values: StepMetrics
    do {
      values = try trainer.call(batch, step: checkpoint.step, updating: &checkpoint.state)
    } catch let error as HeedError {
      throw error.during("step \(number)")
    }
    let seconds = (clock.now - start) / .seconds(1)
    let line = MetricsFile.Line(
      step: number, epoch: batch.position.epoch, values: values.values, seconds: seconds, samples: batch.samples.count,
      tokens: batch.tokenCount)
    try writing { try $0.metrics?.append(line) }
    let loss = values[trainer.loss] ?? .nan
    guard loss.isFinite else {
      writer.message("step \(number): the loss is not finite; making the steps since the last checkpoint again to find the cause")
      // The state is of no use any more, and makes room.
      checkpoint.state = GraphState()
      throw await NonFiniteSearch(trainer, loss: loss, step: number, checkpoint: savedFile).error()
    }
    let before = done
    (checkpoint.step, checkpoint.position, lastLoss, isUnsaved) = (number, batch.next, loss, true)
    curve.add(line)
    speed.add(seconds: seconds, samples: batch.samples.count, tokens: batch.tokenCount, progress: (done ?? 0) - (before ?? 0))
    let (isLast, status) = (isDone, status(line, loss))
    writer.status(step: number, isLast: isLast, status)
  }

  /// How far the run is, in one line.
  private func status(_ line: MetricsFile.Line, _ loss: Double) -> () -> String {
    let (length, speed, done) = (trainer.length, speed, done)
    return {
      var text = "step \(line.step)"
      if case .steps(let count) = length { text += " of \(count)" } else { text += ", epoch \(line.epoch + 1)" }
      text += "  loss \(shortNumber(loss))"
      if let rate = line["learning_rate"] { text += "  rate \(scientific(rate))" }
      text += "  \(speed.text)"
      if let done, let left = speed.timeLeft(rest: 1 - done) { text += "  \(left) left" }
      return text
    }
  }

  private var done: Double? {
    trainer.length.progress(step: checkpoint.step, position: checkpoint.position, sampleCount: trainer.data.sampleCount)
  }
}

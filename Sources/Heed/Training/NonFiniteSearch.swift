internal import HeedArrays
internal import HeedData
internal import HeedIR
internal import HeedSystem

/// Finds where a loss that is not finite comes from.
///
/// No step keeps the state before it: that would be a copy of all weights. So the steps since the last checkpoint are made again, which gives
/// the same bits, until one of them makes a number that is not finite in the loss or the state. That step's graph is then compiled again,
/// to return for each of its values the largest magnitude in it, and called with the same state and batch.
struct NonFiniteSearch {
  private let trainer: Trainer
  private let folder: CheckpointFolder
  private let loss: Double
  private let step: Int
  /// The file of the last checkpoint.
  private let file: String?

  init(_ trainer: Trainer, folder: CheckpointFolder, loss: Double, step: Int, checkpoint: String?) {
    (self.trainer, self.folder, self.loss, self.step, file) = (trainer, folder, loss, step, checkpoint)
  }

  /// The error that ends the run: the step, the first value that is not finite, and the checkpoint to resume from.
  func error() async -> HeedError {
    var text = "step \(step): got the loss \(loss.isNaN ? "nan" : "\(loss)"), expected a finite number"
    do { text += "; \(try await finding())" } catch let error as HeedError {
      text += "; the search for its cause ended with: \(error.message)"
    } catch { text += "; the search for its cause was cancelled" }
    if let file { text += "; the last checkpoint is \(file)" }
    return HeedError(text)
  }

  private func finding() async throws -> String {
    guard let file else { throw HeedError("got no checkpoint to begin at") }
    var checkpoint = try TrainingCheckpoint(contentsOf: file)
    for try await batch in trainer.data.stream(checkpoint.position, trainer.length.epochs) {
      // A copy of the arrays' references: the step below replaces them.
      let before = checkpoint.state
      let values = try trainer.call(batch, step: checkpoint.step, updating: &checkpoint.state)
      checkpoint.step += 1
      let isLossFinite = values[trainer.loss]?.isFinite ?? false
      let after = checkpoint.state
      if !isLossFinite || after.names.contains(where: { !isFinite(after[$0]) && isFinite(before[$0]) }) {
        let inputs = try trainer.inputs(batch, step: checkpoint.step - 1)
        checkpoint.state = GraphState()
        let place = checkpoint.step == step ? "" : " in step \(checkpoint.step)"
        return "the first value that is not finite\(place) is \(try origin(of: before, inputs))"
      }
      guard checkpoint.step < step else { break }
    }
    throw HeedError("got finite numbers in all steps from \(file) on when they were made again: the batches are not the same")
  }

  /// Where numbers that are not finite begin in a step from `state`.
  private func origin(of state: GraphState, _ inputs: [String: NDArray]) throws -> String {
    let probe = try MagnitudeProbe(trainer.program.lowered.source, loss: trainer.loss)
    var state = state
    return try probe.origin(inputs, trainer.parameters, updating: &state)
  }

  private func isFinite(_ array: NDArray?) -> Bool {
    guard let array, array.element.isFloat, let numbers = try? array.doubles() else { return true }
    return numbers.allSatisfy(\.isFinite)
  }
}

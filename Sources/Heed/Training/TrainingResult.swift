/// How a run ended, and what it leaves.
public struct TrainingResult: Sendable {
  /// Why a run ended.
  public enum End: Hashable, Sendable {
    /// All steps are made, or the data has ended.
    case completed
    /// Evaluations were not better for as long as `TrainingEvaluation.patience` allows.
    case stoppedEarly
    /// SIGINT or SIGTERM.
    case interrupted(signal: String)
    /// The task was cancelled.
    case cancelled
  }

  /// Why it ended.
  public let end: End
  /// The state after the last step.
  public let state: GraphState
  /// The steps made in all, those before a resume counted.
  public let step: Int
  /// The loss of the last step that this call made; nil where it made none.
  public let loss: Double?
  /// The best number of all evaluations, and the step after which it was measured.
  public let best: (value: Double, step: Int)?
  /// The file of the last checkpoint: what to resume from.
  public let checkpoint: String
}

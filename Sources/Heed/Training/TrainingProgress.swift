internal import HeedSystem

/// What a run says on standard error.
public enum TrainingProgress: Hashable, Sendable {
  /// Nothing.
  case none
  /// On a terminal one line that is written again and again. Elsewhere a line every `interval` steps.
  case lines(every: Int)
}

/// Writes how far a run is to standard error.
struct ProgressWriter {
  private let progress: TrainingProgress
  private let isTerminal: Bool
  private var line: StatusLine

  init(_ progress: TrainingProgress) {
    self.progress = progress
    isTerminal = StandardError.isTerminal
    line = StatusLine(isTerminal: isTerminal)
  }

  /// Says how far the run is, where it is time to.
  mutating func status(step: Int, isLast: Bool, _ text: () -> String) {
    guard case .lines(let interval) = progress else { return }
    guard !isTerminal else { return line.show(isLast: isLast, text) }
    if isLast || step % max(1, interval) == 0 { StandardError.write(text()) }
  }

  /// Writes a line that stays.
  mutating func message(_ text: String) {
    guard progress != .none else { return }
    line.clear()
    StandardError.write(text)
  }

  /// Leaves the last status where it is.
  mutating func finish() { line.keep() }
}

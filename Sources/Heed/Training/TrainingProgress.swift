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
  private let clock = ContinuousClock()
  private var shown: ContinuousClock.Instant?
  /// Whether the terminal's last line is a status.
  private var hasStatus = false

  init(_ progress: TrainingProgress) {
    self.progress = progress
    isTerminal = StandardError.isTerminal
  }

  /// Says how far the run is, where it is time to.
  mutating func status(step: Int, isLast: Bool, _ text: () -> String) {
    guard case .lines(let interval) = progress else { return }
    guard isTerminal else {
      if isLast || step % max(1, interval) == 0 { StandardError.write(text()) }
      return
    }
    let now = clock.now
    // A person reads no more than ten a second.
    if let shown, !isLast, now - shown < .milliseconds(100) { return }
    shown = now
    hasStatus = true
    StandardError.write(text: "\r" + text().prefix(max(1, StandardError.columnCount - 1)) + "\u{1b}[K")
  }

  /// Writes a line that stays.
  mutating func message(_ text: String) {
    guard progress != .none else { return }
    StandardError.write(text: (hasStatus ? "\r\u{1b}[K" : "") + text + "\n")
    hasStatus = false
  }

  /// Leaves the last status where it is.
  mutating func finish() {
    if hasStatus { StandardError.write("") }
    hasStatus = false
  }
}

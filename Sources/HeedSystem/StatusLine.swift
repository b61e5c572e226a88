/// A line that says how far the work is, written again and again on the terminal that standard error is. Elsewhere there is none.
package struct StatusLine {
  private let isTerminal: Bool
  private let clock = ContinuousClock()
  private var shown: ContinuousClock.Instant?
  /// Whether the terminal's last line is a status.
  private var isThere = false

  /// - Parameter isTerminal: whether lines are shown at all.
  package init(isTerminal: Bool = StandardError.isTerminal) { self.isTerminal = isTerminal }

  /// Shows a line, where the last one is not too new. A person reads no more than ten a second.
  /// - Parameter isLast: whether it is shown in any case.
  package mutating func show(isLast: Bool = false, _ text: () -> String) {
    guard isTerminal else { return }
    let now = clock.now
    if let shown, !isLast, now - shown < .milliseconds(100) { return }
    shown = now
    isThere = true
    StandardError.write(text: "\r" + text().prefix(max(1, StandardError.columnCount - 1)) + "\u{1b}[K")
  }

  /// Takes the line away, so that something else can be written.
  package mutating func clear() {
    if isThere { StandardError.write(text: "\r\u{1b}[K") }
    isThere = false
  }

  /// Leaves the line where it is.
  package mutating func keep() {
    if isThere { StandardError.write("") }
    isThere = false
  }
}

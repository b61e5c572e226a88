internal import HeedIR

/// How fast a run is: an average in which the last seconds count most.
package struct StepSpeed {
  private var seconds = 0.0
  private var tokens = 0.0
  private var samples = 0.0
  private var progress = 0.0

  /// No steps yet.
  package init() {}

  /// What counts after this many seconds is 1/e.
  private static let memory = 10.0

  /// Adds a step.
  /// - Parameter progress: how much of the run it was.
  package mutating func add(seconds step: Double, samples: Int, tokens: Int, progress: Double) {
    let kept = 1 / (1 + step / Self.memory)
    seconds = seconds * kept + step
    self.tokens = self.tokens * kept + Double(tokens)
    self.samples = self.samples * kept + Double(samples)
    self.progress = self.progress * kept + progress
  }

  /// `5230 tokens/s`, or samples where there are no tokens.
  package var text: String {
    guard seconds > 0 else { return "" }
    let (count, unit) = tokens > 0 ? (tokens, "tokens") : (samples, "samples")
    let rate = count / seconds
    return "\(rate < 10 ? fixed(rate, 2) : fixed(rate, 0)) \(unit)/s"
  }

  /// How long the rest of the run takes: `1:02:03`; nil where that is not known.
  package func timeLeft(rest: Double) -> String? {
    guard progress > 0 else { return nil }
    let left = Int((rest * seconds / progress).rounded(.up))
    func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let (hours, minutes) = (left / 3600, left / 60 % 60)
    return hours > 0 ? "\(hours):\(padded(minutes)):\(padded(left % 60))" : "\(minutes):\(padded(left % 60))"
  }
}

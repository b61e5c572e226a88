internal import HeedData

/// How long a run is. A step is one call of the program.
public enum TrainingLength: Hashable, Sendable {
  /// A number of steps.
  case steps(Int)
  /// A number of epochs: times that each sample is seen.
  case epochs(Int)

  /// The epoch before which the data ends.
  var epochs: Int? {
    if case .epochs(let count) = self { count } else { nil }
  }

  /// Whether a run that is here is done.
  func isReached(step: Int, position: DataPosition) -> Bool {
    switch self {
    case .steps(let count): step >= count
    case .epochs(let count): position.epoch >= count
    }
  }

  /// How much of a run is done, from 0 to 1; nil where that is not known.
  func progress(step: Int, position: DataPosition, sampleCount: Int?) -> Double? {
    switch self {
    case .steps(let count): return count > 0 ? Double(step) / Double(count) : 1
    case .epochs(let count):
      guard let sampleCount, sampleCount > 0, count > 0 else { return nil }
      return (Double(position.epoch) + Double(position.sample) / Double(sampleCount)) / Double(count)
    }
  }
}

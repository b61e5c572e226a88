public import HeedArrays

/// Some samples of a dataset, ready for a compiled graph's call.
public struct Batch: Sendable {
  /// The arrays of the samples, by name.
  public let arrays: [String: NDArray]
  /// The numbers of the samples in the dataset.
  public let samples: [Int]
  /// The tokens of all samples.
  public let tokenCount: Int
  /// Where the batch is in the run.
  public let position: DataPosition
  /// Where the next one is: what a checkpoint keeps after a step with this batch.
  public let next: DataPosition

  /// A batch of a source of one's own.
  public init(arrays: [String: NDArray], samples: [Int], tokenCount: Int = 0, position: DataPosition, next: DataPosition) {
    (self.arrays, self.samples, self.tokenCount) = (arrays, samples, tokenCount)
    (self.position, self.next) = (position, next)
  }

  /// Whether the batch is the last of its epoch.
  public var endsEpoch: Bool { next.epoch > position.epoch }
}

internal import HeedIR

/// The batches of a dataset, epoch after epoch, each sample once per epoch.
///
/// A batch is a function of dataset, size, seed and position, so nothing but the position is kept between runs.
///
/// ```swift
/// let batches = try Batches(windows, size: .samples(16), seed: 1)
/// for try await batch in batches.stream(from: checkpoint.position, epochs: 3) {
///   let outputs = try step(batch.arrays)
/// }
/// ```
public struct Batches<Source: Dataset>: Sendable {
  /// Where the samples come from.
  public let dataset: Source
  /// How many samples a batch has.
  public let size: BatchSize
  /// What orders the samples of each epoch; where nil, they keep the order of the dataset.
  public let seed: UInt64?

  /// The batches of a dataset.
  /// - Throws: `HeedError` where the dataset or a batch would be empty, or a sample has more tokens than a batch may have.
  public init(_ dataset: Source, size: BatchSize, seed: UInt64?) throws {
    guard dataset.count > 0 else { throw HeedError("got a dataset without samples, expected at least one") }
    switch size {
    case .samples(let count):
      guard count >= 1 else { throw HeedError("got batches of \(count) samples, expected at least 1") }
    case .tokens(let budget, let bucket):
      guard budget >= 1, bucket ?? 1 >= 1 else {
        let got = budget < 1 ? "batches of \(budget) tokens" : "buckets of \(bucket ?? 0) samples"
        throw HeedError("got \(got), expected at least 1")
      }
      var hasTokens = false
      for sample in 0..<dataset.count {
        let tokens = dataset.tokenCount(of: sample)
        guard tokens <= budget else {
          throw HeedError(
            "got \(tokens) tokens in sample \(sample), expected at most the \(budget) of a batch; cut it, or raise the limit")
        }
        hasTokens = hasTokens || tokens > 0
      }
      guard hasTokens else { throw HeedError("got samples without tokens, expected batches of a number of samples") }
    }
    (self.dataset, self.size, self.seed) = (dataset, size, seed)
  }

  /// The batch at a position: at the start, or where another batch ends.
  /// - Throws: `HeedError` where no batch begins at the position, or the dataset throws.
  public func batch(at position: DataPosition = .start) throws -> Batch {
    let position = started(position)
    guard position.epoch >= 0, 0..<dataset.count ~= position.sample else {
      throw HeedError("got the data position \(position), expected one in an epoch of \(dataset.count) samples")
    }
    let samples = try BatchOrder(self, epoch: position.epoch).samples(from: position.sample)
    let next = DataPosition(epoch: position.epoch, sample: position.sample + samples.count)
    return Batch(
      arrays: try dataset.batch(samples), samples: samples, tokenCount: samples.reduce(0) { $0 + dataset.tokenCount(of: $1) },
      position: position, next: started(next))
  }

  /// The position, or the start of the next epoch where it is the end of one.
  func started(_ position: DataPosition) -> DataPosition {
    position.sample == dataset.count ? DataPosition(epoch: position.epoch + 1, sample: 0) : position
  }
}

public import HeedData

/// The batches of a training run, from any place of it on.
///
/// ```swift
/// TrainingData(try Batches(windows, size: .samples(16), seed: 1))
/// TrainingData(identity: "sensor log of May", sampleCount: nil) { position in readings(from: position) }
/// ```
public struct TrainingData: Sendable {
  /// An asynchronous sequence of batches.
  public typealias Stream = any AsyncSequence<Batch, any Error> & Sendable

  /// What the batches follow from. A checkpoint keeps it, and resumes with nothing else.
  public let identity: DataIdentity
  /// The samples of an epoch; nil where that is not known.
  public let sampleCount: Int?
  let stream: @Sendable (_ position: DataPosition, _ epochs: Int?) -> Stream

  /// The batches of a dataset, the next one prepared in the background.
  /// - Throws: `HeedError` where samples cannot be read for the dataset's fingerprint.
  public init(_ batches: Batches<some Dataset>) throws {
    identity = DataIdentity(
      dataset: try batches.dataset.fingerprint(), batchSize: "\(batches.size)", seed: batches.seed.map { "\($0)" } ?? "none")
    sampleCount = batches.dataset.count
    stream = { batches.stream(from: $0, epochs: $1) }
  }

  /// Batches of a source of one's own.
  /// - Parameters:
  ///   - identity: what tells the source from others; a run resumes only with the same.
  ///   - sampleCount: the samples of an epoch, for the time left.
  ///   - stream: the batches from a position on: those that an unbroken run would have there.
  public init<Source: AsyncSequence<Batch, any Error> & Sendable>(
    identity: String, sampleCount: Int? = nil, stream: @escaping @Sendable (_ position: DataPosition) -> Source
  ) {
    self.init(
      DataIdentity(dataset: identity, batchSize: "its own", seed: "its own"), sampleCount: sampleCount,
      stream: { position, _ in stream(position) })
  }

  package init(
    _ identity: DataIdentity, sampleCount: Int?, stream: @escaping @Sendable (_ position: DataPosition, _ epochs: Int?) -> Stream
  ) {
    (self.identity, self.sampleCount, self.stream) = (identity, sampleCount, stream)
  }
}

/// What the batches of a run follow from.
public struct DataIdentity: Hashable, Sendable {
  /// The fingerprint of the dataset.
  public var dataset: String
  /// The size of batches: `16 samples`.
  public var batchSize: String
  /// The seed of the order of samples; `none` for that of the dataset.
  public var seed: String
}

/// How many samples a batch has. The last batch of an epoch may have fewer.
public enum BatchSize: Hashable, Sendable {
  /// A number of samples.
  case samples(Int)
  /// As many samples as have at most this many tokens in all.
  ///
  /// With `bucket`, samples of about the same length come together: each group of `bucket` samples that follow one another is sorted by
  /// length, cut into batches, and the batches are shuffled. Otherwise samples keep their order.
  case tokens(Int, bucket: Int? = nil)
}

extension BatchSize: CustomStringConvertible {
  /// The size in words: `16 samples`, `4096 tokens in buckets of 1024 samples`.
  public var description: String {
    switch self {
    case .samples(let count): "\(count) samples"
    case .tokens(let budget, nil): "\(budget) tokens"
    case .tokens(let budget, let bucket?): "\(budget) tokens in buckets of \(bucket) samples"
    }
  }
}

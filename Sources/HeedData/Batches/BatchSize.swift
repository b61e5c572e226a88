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

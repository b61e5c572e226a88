/// A place between two batches of a training run: how many whole epochs are done, and how many samples of the next one.
///
/// Its text, `2/4096`, is what a checkpoint keeps. With the same dataset, batch size and seed, the batches from there on are those of a
/// run that never stopped.
public struct DataPosition: Hashable, Comparable, Codable, Sendable, LosslessStringConvertible {
  /// The epoch, from 0.
  public var epoch: Int
  /// How many samples of the epoch came before.
  public var sample: Int

  /// The start of a run.
  public static let start = DataPosition(epoch: 0, sample: 0)

  /// A place in an epoch.
  public init(epoch: Int, sample: Int) { (self.epoch, self.sample) = (epoch, sample) }

  /// The place that `description` wrote; nil where the text is not two numbers of at least 0.
  public init?(_ description: String) {
    let parts = description.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let epoch = parts[0], let sample = parts[1], epoch >= 0, sample >= 0 else { return nil }
    self.init(epoch: epoch, sample: sample)
  }

  /// The epoch and the samples before the place: `2/4096`.
  public var description: String { "\(epoch)/\(sample)" }

  /// Whether the first place comes before the second in a run.
  public static func < (first: DataPosition, second: DataPosition) -> Bool {
    (first.epoch, first.sample) < (second.epoch, second.sample)
  }
}

public import HeedArrays
internal import HeedIR

/// Some of the samples of a dataset.
public struct Subset<Base: Dataset>: Dataset {
  /// The dataset that the samples are of.
  public let base: Base
  private let range: Range<Int>
  private let order: Permutation?

  init(_ base: Base, _ range: Range<Int>, _ order: Permutation?) { (self.base, self.range, self.order) = (base, range, order) }

  /// The number of samples.
  public var count: Int { range.count }

  /// The number in `base` of a sample.
  public func original(_ sample: Int) -> Int {
    let place = range.lowerBound + sample
    return order?[place] ?? place
  }

  /// The tokens of a sample.
  public func tokenCount(of sample: Int) -> Int { base.tokenCount(of: original(sample)) }

  /// The arrays of these samples, as `base` makes them.
  public func batch(_ samples: [Int]) throws -> [String: NDArray] { try base.batch(samples.map(original)) }
}

extension Dataset {
  /// The dataset in two parts that have no sample in common.
  /// - Parameters:
  ///   - heldOut: the share of samples that are held out, above 0 and below 1; rounded so that neither part is empty.
  ///   - seed: which samples are held out; where nil, the last ones. For windows of one text nil is right, since neighbours are alike.
  /// - Throws: `HeedError` where the share is not inside 0 ... 1, or there are fewer than two samples.
  public func split(heldOut: Double, seed: UInt64?) throws -> (training: Subset<Self>, heldOut: Subset<Self>) {
    guard heldOut > 0, heldOut < 1 else { throw HeedError("got a share of \(heldOut) to hold out, expected one between 0 and 1") }
    guard count >= 2 else { throw HeedError("got a dataset of \(count) samples to split, expected at least 2") }
    let held = min(max(Int((Double(count) * heldOut).rounded()), 1), count - 1)
    let order = seed.map { Permutation(count: count, seed: $0, epoch: -1) }
    return (Subset(self, 0..<count - held, order), Subset(self, count - held..<count, order))
  }
}

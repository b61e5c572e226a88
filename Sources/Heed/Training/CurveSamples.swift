/// A curve of bounded size, however many numbers are added: steps that follow one another are taken together, in twos, fours and so on.
package struct CurveSamples {
  /// The numbers of some steps.
  package struct Bucket: Hashable {
    package var step: Double
    package var mean: Double
    package var least: Double
    package var greatest: Double
    /// How many numbers it has.
    package var count = 1
  }

  /// In the order of steps.
  package private(set) var buckets: [Bucket] = []
  /// How many numbers a bucket has; the last one may have fewer.
  private var size = 1
  private let limit: Int

  /// No numbers yet; there will be at most `limit` buckets.
  package init(limit: Int = 1024) { self.limit = limit }

  /// Adds a number; one that is not finite is left out.
  package mutating func add(step: Int, _ value: Double) {
    guard value.isFinite else { return }
    let new = Bucket(step: Double(step), mean: value, least: value, greatest: value)
    if let last = buckets.last, last.count < size {
      buckets[buckets.count - 1] = Self.joined(last, new)
    } else {
      buckets.append(new)
    }
    guard buckets.count > limit else { return }
    size *= 2
    buckets = stride(from: 0, to: buckets.count, by: 2).map { first in
      first + 1 < buckets.count ? Self.joined(buckets[first], buckets[first + 1]) : buckets[first]
    }
  }

  /// The means over buckets around each: a smooth curve.
  package var smoothed: [(step: Double, value: Double)] {
    let radius = buckets.count / 100
    return buckets.indices.map { middle in
      let near = buckets[max(0, middle - radius)...min(buckets.count - 1, middle + radius)]
      let count = near.reduce(0.0) { $0 + Double($1.count) }
      return (buckets[middle].step, near.reduce(0) { $0 + $1.mean * Double($1.count) } / count)
    }
  }

  /// How many numbers a point of the smooth curve is the mean of, away from the ends.
  var smoothingCount: Int { (2 * (buckets.count / 100) + 1) * size }

  private static func joined(_ first: Bucket, _ second: Bucket) -> Bucket {
    let (a, b) = (Double(first.count), Double(second.count))
    return Bucket(
      step: (first.step * a + second.step * b) / (a + b), mean: (first.mean * a + second.mean * b) / (a + b),
      least: min(first.least, second.least), greatest: max(first.greatest, second.greatest), count: first.count + second.count)
  }
}

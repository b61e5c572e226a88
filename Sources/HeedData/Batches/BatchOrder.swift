internal import HeedIR

/// The order of the samples of one epoch, and where its batches end.
struct BatchOrder<Source: Dataset> {
  private let batches: Batches<Source>
  private let epoch: Int
  private let order: Permutation?

  init(_ batches: Batches<Source>, epoch: Int) {
    (self.batches, self.epoch) = (batches, epoch)
    order = batches.seed.map { Permutation(count: batches.dataset.count, seed: $0, epoch: epoch) }
  }

  private var count: Int { batches.dataset.count }
  private func sample(_ place: Int) -> Int { order?[place] ?? place }

  /// The samples of the batch that begins when `start` samples of the epoch are done.
  /// - Throws: `HeedError` where no batch begins there.
  func samples(from start: Int) throws -> [Int] {
    switch batches.size {
    case .samples(let size): return (start..<min(count, start + min(size, count))).map(sample)
    case .tokens(let budget, nil):
      return Array(fitting((start..<count).lazy.map(sample), budget))
    case .tokens(let budget, let bucket?):
      let first = start - start % bucket
      var place = first
      for batch in bucketBatches(first..<min(count, first + min(bucket, count)), budget) {
        if place == start { return batch }
        place += batch.count
      }
      throw HeedError("got the data position \(DataPosition(epoch: epoch, sample: start)), which is inside a batch")
    }
  }

  /// The first of these samples that have at most `budget` tokens together; at least one.
  private func fitting(_ samples: some Sequence<Int>, _ budget: Int) -> [Int] {
    var (result, total): ([Int], Int) = ([], 0)
    for sample in samples {
      total += batches.dataset.tokenCount(of: sample)
      guard total <= budget || result.isEmpty else { break }
      result.append(sample)
    }
    return result
  }

  /// The batches of the samples at these places, sorted by length; where there is a seed, the batches in an order that follows from it.
  private func bucketBatches(_ places: Range<Int>, _ budget: Int) -> [[Int]] {
    // The order of equal lengths is that of the epoch.
    let sorted = places.map { (place: $0, sample: sample($0), tokens: batches.dataset.tokenCount(of: sample($0))) }
      .sorted { ($0.tokens, $0.place) < ($1.tokens, $1.place) }.map(\.sample)
    var (result, rest): ([[Int]], ArraySlice<Int>) = ([], sorted[...])
    while !rest.isEmpty {
      result.append(fitting(rest, budget))
      rest = rest.dropFirst(result.last!.count)
    }
    guard let seed = batches.seed else { return result }
    let shuffled = Permutation(count: result.count, seed: seed &+ UInt64(places.lowerBound) &+ 1, epoch: epoch)
    return result.indices.map { result[shuffled[$0]] }
  }
}

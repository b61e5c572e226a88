import HeedArrays
import HeedData
import HeedIR
import HeedTestSupport
import Testing

@Suite struct BatchesTests {
  /// Sequences of random lengths, some empty; sample i is made of the number i.
  private func sequences(_ count: Int, _ generator: inout SeededGenerator) -> TokenSequences {
    TokenSequences(
      (0..<count).map { [Int32](repeating: Int32($0), count: Int.random(in: ($0 == 0 ? 1 : 0)...12, using: &generator)) })
  }

  private func epoch(_ batches: Batches<TokenSequences>, from start: DataPosition) throws -> [Batch] {
    var result: [Batch] = []
    var position = start
    while position.epoch == start.epoch {
      result.append(try batches.batch(at: position))
      position = result.last!.next
    }
    return result
  }

  private static let sizes: [BatchSize] = [
    .samples(1), .samples(7), .samples(1000), .tokens(13), .tokens(40), .tokens(13, bucket: 5), .tokens(40, bucket: 16),
    .tokens(100, bucket: 1000), .tokens(1_000_000),
  ]

  @Test(arguments: sizes)
  func everySampleComesOncePerEpoch(size: BatchSize) throws {
    var generator = SeededGenerator(seed: 12)
    for count in [1, 2, 16, 61] {
      let dataset = sequences(count, &generator)
      for seed in [nil, 3] as [UInt64?] {
        let batches = try Batches(dataset, size: size, seed: seed)
        for number in 0..<3 {
          let epoch = try epoch(batches, from: DataPosition(epoch: number, sample: 0))
          #expect(epoch.flatMap(\.samples).sorted() == Array(0..<count))
          #expect(epoch.map(\.endsEpoch) == epoch.indices.map { $0 == epoch.count - 1 })
          for batch in epoch { try check(batch, of: dataset, size) }
        }
      }
    }
  }

  /// That the arrays are those of the samples, and as many samples as may be.
  private func check(_ batch: Batch, of dataset: TokenSequences, _ size: BatchSize) throws {
    let ids = try #require(batch.arrays["ids"]).values(as: Int32.self)
    #expect(ids == batch.samples.flatMap { dataset[$0] } && ids.count == batch.tokenCount)
    #expect(batch.arrays["offsets"]?.shape == [batch.samples.count + 1])
    switch size {
    case .samples(let count): #expect(batch.samples.count == count || batch.endsEpoch)
    case .tokens(let budget, let bucket):
      #expect(batch.tokenCount <= budget)
      guard let bucket else { break }
      let lengths = batch.samples.map { dataset.tokenCount(of: $0) }
      #expect(lengths == lengths.sorted() && lengths.count <= bucket)
    }
  }

  @Test func ordersOfEpochs() throws {
    var generator = SeededGenerator(seed: 13)
    let dataset = sequences(40, &generator)
    func samples(_ seed: UInt64?, _ number: Int, _ size: BatchSize = .tokens(30)) throws -> [Int] {
      try epoch(Batches(dataset, size: size, seed: seed), from: DataPosition(epoch: number, sample: 0)).flatMap(\.samples)
    }
    #expect(try samples(nil, 0) == Array(0..<40) && samples(nil, 1) == Array(0..<40))
    #expect(try samples(1, 0) == samples(1, 0) && samples(1, 0) != samples(1, 1) && samples(1, 0) != samples(2, 0))
    // The order does not depend on the size of batches.
    #expect(try samples(1, 0) == samples(1, 0, .samples(3)) && samples(1, 0) == samples(1, 0, .tokens(1000)))
    #expect(try samples(1, 0, .tokens(30, bucket: 20)) != samples(1, 1, .tokens(30, bucket: 20)))
  }

  /// Without buckets a batch ends only where the next sample does not fit.
  @Test func batchesByTokensAreFull() throws {
    var generator = SeededGenerator(seed: 14)
    let dataset = sequences(60, &generator)
    let epoch = try epoch(Batches(dataset, size: .tokens(50), seed: 4), from: .start)
    for (batch, next) in zip(epoch, epoch.dropFirst()) {
      #expect(batch.tokenCount + dataset.tokenCount(of: next.samples[0]) > 50)
    }
  }

  @Test(arguments: sizes)
  func aRunThatGoesOnHasTheSameBatches(size: BatchSize) throws {
    var generator = SeededGenerator(seed: 15)
    let dataset = sequences(30, &generator)
    let unbroken = try Batches(dataset, size: size, seed: 5)
    let run = try (0..<3).flatMap { try epoch(unbroken, from: DataPosition(epoch: $0, sample: 0)) }
    for (index, batch) in run.enumerated() {
      // Another value, the position from a text: what a new process has.
      let again = try Batches(dataset, size: size, seed: 5)
      var position = try #require(DataPosition(batch.position.description))
      for expected in run[index...] {
        let got = try again.batch(at: position)
        #expect(got.samples == expected.samples && got.next == expected.next)
        position = got.next
      }
    }
  }

  @Test func aPositionAtTheEndOfAnEpochIsTheNextOnesStart() throws {
    let batches = try Batches(TokenSequences([[1], [2], [3]]), size: .samples(2), seed: 1)
    #expect(try batches.batch(at: DataPosition(epoch: 0, sample: 3)).position == DataPosition(epoch: 1, sample: 0))
    #expect(try batches.batch(at: DataPosition(epoch: 0, sample: 1)).samples.count == 2)
  }

  @Test func errors() throws {
    let dataset = TokenSequences([[1, 1], [2, 2, 2], [3]])
    func message(_ dataset: TokenSequences, _ size: BatchSize) -> String {
      headline { try Batches(dataset, size: size, seed: nil) }
    }
    #expect(message(TokenSequences([]), .samples(1)) == "error: got a dataset without samples, expected at least one")
    #expect(message(dataset, .samples(0)) == "error: got batches of 0 samples, expected at least 1")
    #expect(message(dataset, .tokens(0)) == "error: got batches of 0 tokens, expected at least 1")
    #expect(message(dataset, .tokens(4, bucket: 0)) == "error: got buckets of 0 samples, expected at least 1")
    #expect(
      message(dataset, .tokens(2))
        == "error: got 3 tokens in sample 1, expected at most the 2 of a batch; cut it, or raise the limit")
    #expect(
      message(TokenSequences([[], []]), .tokens(2)) == "error: got samples without tokens, expected batches of a number of samples")
    let batches = try Batches(dataset, size: .tokens(3, bucket: 3), seed: nil)
    for position in [DataPosition(epoch: -1, sample: 0), DataPosition(epoch: 0, sample: -1), DataPosition(epoch: 2, sample: 4)] {
      #expect(
        headline { try batches.batch(at: position) }
          == "error: got the data position \(position), expected one in an epoch of 3 samples")
    }
    #expect(
      headline { try batches.batch(at: DataPosition(epoch: 0, sample: 1)) }
        == "error: got the data position 0/1, which is inside a batch")
  }

  @Test func positionsAsText() {
    #expect(DataPosition("2/4096") == DataPosition(epoch: 2, sample: 4096) && DataPosition.start.description == "0/0")
    for text in ["", "1", "1/", "/1", "1/2/3", "-1/0", "0/-1", "a/b", "99999999999999999999/0"] {
      #expect(DataPosition(text) == nil)
    }
    #expect(DataPosition(epoch: 0, sample: 9) < DataPosition(epoch: 1, sample: 0))
  }
}

import HeedData
import Testing

@Suite struct PermutationTests {
  @Test func everyNumberComesOnce() {
    for count in Array(0...70) + [255, 256, 257, 1000, 4096, 10_007] {
      for (seed, epoch) in [(0, 0), (1, 0), (0, 1), (UInt64.max, 5)] as [(UInt64, Int)] {
        let order = Permutation(count: count, seed: seed, epoch: epoch)
        #expect((0..<count).map { order[$0] }.sorted() == Array(0..<count))
      }
    }
  }

  /// The same on every machine: these numbers may never change, or runs that were stopped go on with other batches.
  @Test func knownOrders() {
    let small = Permutation(count: 10, seed: 1, epoch: 0)
    #expect((0..<10).map { small[$0] } == [9, 2, 7, 4, 3, 1, 6, 5, 8, 0])
    let large = Permutation(count: 1_000_000_007, seed: 42, epoch: 3)
    #expect((0..<4).map { large[$0] } == [459_472_200, 77_505_237, 894_217_546, 278_017_058])
    let greatest = Permutation(count: .max, seed: 7)
    #expect(greatest[.max - 1] == 4_940_119_979_182_970_027)
  }

  /// All orders of four numbers come about equally often over seeds, and over epochs.
  @Test func ordersAreEquallyLikely() {
    let draws = 24_000
    for byEpoch in [false, true] {
      var counts: [[Int]: Int] = [:]
      for draw in 0..<draws {
        let order = Permutation(count: 4, seed: byEpoch ? 1 : UInt64(draw), epoch: byEpoch ? draw : 0)
        counts[(0..<4).map { order[$0] }, default: 0] += 1
      }
      #expect(counts.count == 24)
      // Chi-square of 23 degrees of freedom: mean 23, standard deviation 6.8; 60 has a probability of 4e-5.
      let expected = Double(draws) / 24
      #expect(counts.values.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected } < 60)
    }
  }

  /// Where a number lands says nothing about where its neighbour does.
  @Test func neighboursAreApart() {
    let count = 100_000
    let order = Permutation(count: count, seed: 11, epoch: 2)
    let values = (0..<count).map { Double(order[$0]) / Double(count) - 0.5 }
    let correlation = zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(count) * 12
    // Four standard deviations of 1/sqrt(count).
    #expect(abs(correlation) < 0.0127)
    let fixed = (0..<count).count { order[$0] == $0 }
    #expect(fixed < 10)
  }
}

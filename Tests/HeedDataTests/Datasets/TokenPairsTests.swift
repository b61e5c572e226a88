import HeedArrays
import HeedData
import HeedIR
import Testing

@Suite struct TokenPairsTests {
  private let pairs = try! TokenPairs([[1, 2], [3], [], [4, 5, 6]], [[7], [8, 9], [10], [11]])

  @Test func batches() throws {
    let batch = try pairs.batch([3, 0])
    #expect(batch.keys.sorted() == ["ids", "offsets"])
    #expect(try batch["ids"]!.ints() == [4, 5, 6, 1, 2, 11, 7])
    #expect(try batch["offsets"]!.ints() == [0, 3, 5, 6, 7])
    #expect(try pairs.batch([])["offsets"]!.ints() == [0])
  }

  @Test func counts() {
    #expect(pairs.count == 4 && (0..<4).map(pairs.tokenCount) == [3, 3, 1, 4])
  }

  @Test func partnersStayTogetherInAnyOrder() throws {
    for batches in try [Batches(pairs, size: .samples(3), seed: 5), Batches(pairs, size: .tokens(7), seed: 6)] {
      var (seen, position) = ([Int](), DataPosition.start)
      while position.epoch == 0 {
        let next = try batches.batch(at: position)
        #expect(try next.arrays["ids"]!.ints().count == next.tokenCount)
        seen += next.samples
        position = next.next
      }
      #expect(seen.sorted() == [0, 1, 2, 3])
    }
  }

  @Test func mistakes() {
    #expect(throws: HeedError("got 1 and 2 sequences to pair, expected the same number")) { try TokenPairs([[1]], [[2], [3]]) }
  }
}

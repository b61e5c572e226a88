import HeedArrays
import Testing

@Suite struct SeededGeneratorTests {
  /// The numbers of the authors' program for this seed.
  @Test func numbersAreThoseOfSplitMix64() {
    var numbers = SeededGenerator(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    #expect(expected.map { _ in numbers.next() } == expected)
  }

  @Test func seedsOfAnyIntegerType() {
    func first(_ seed: some BinaryInteger) -> UInt64 {
      var numbers = SeededGenerator(seed: seed)
      return numbers.next()
    }
    #expect(first(7) == first(7 as UInt8) && first(-1) == first(UInt64.max) && first(Int8.min) == first(-128))
    #expect(Set((-3...3).map { first($0) }).count == 7)
  }

  /// A copy goes on from where it was made.
  @Test func aCopyIsItsOwn() {
    var one = SeededGenerator(seed: 3)
    _ = one.next()
    var other = one
    #expect((0..<10).map { _ in one.next() } == (0..<10).map { _ in other.next() } && one == other)
    #expect(Array(0..<20).shuffled(using: &one) == Array(0..<20).shuffled(using: &other))
  }

  @Test func uniformArraysAreDrawnFromIt() throws {
    var numbers = SeededGenerator(seed: 11)
    let expected = (0..<5).map { _ in Double(numbers.next() >> 11) * 0x1p-53 }
    #expect(try NDArray.uniform([5], seed: 11, element: .f64).doubles() == expected)
  }
}

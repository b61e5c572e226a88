public import HeedArrays
internal import HeedIR
internal import HeedModels

/// Pairs of sequences of tokens that belong together. A batch of P pairs is one ragged batch of 2 P sequences, without padding: `ids i32[T]`
/// and `offsets i32[2 * P + 1]`. First come those that are first in their pairs, then their partners in the same order.
public struct TokenPairs: Dataset {
  private let sequences: TokenSequences
  /// The number of pairs.
  public let count: Int

  /// Pairs of the sequences of two lists.
  /// - Throws: `HeedError` where one has more sequences than the other.
  public init(_ first: [[Int32]], _ second: [[Int32]]) throws {
    guard first.count == second.count else {
      throw HeedError("got \(first.count) and \(second.count) sequences to pair, expected the same number")
    }
    (sequences, count) = (TokenSequences(first + second), first.count)
  }

  /// Pairs of texts as a tokenizer encodes them.
  /// - Throws: `HeedError` where there are more of one kind than of the other.
  public init(_ first: [String], _ second: [String], tokenizer: some Tokenizer) throws {
    try self.init(first.map(tokenizer.encode), second.map(tokenizer.encode))
  }

  /// The tokens of both sequences of a pair.
  public func tokenCount(of sample: Int) -> Int { sequences.tokenCount(of: sample) + sequences.tokenCount(of: count + sample) }

  /// The ids and offsets of these pairs.
  /// - Throws: `HeedError` where they have more tokens than i32 counts.
  public func batch(_ samples: [Int]) throws -> [String: NDArray] {
    check(samples)
    return try sequences.batch(samples + samples.map { count + $0 })
  }
}

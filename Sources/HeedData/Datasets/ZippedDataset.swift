public import HeedArrays
internal import HeedIR
internal import HeedModels

/// Datasets side by side: sample i is sample i of each. So pairs of texts are two `TokenSequences`, labelled texts one with `ArrayRows`.
///
/// ```swift
/// let pairs = try ZippedDataset(
///   TokenSequences(table.texts("question"), tokenizer: tokenizer, prefix: "query"),
///   TokenSequences(table.texts("answer"), tokenizer: tokenizer, prefix: "answer"))
/// ```
public struct ZippedDataset<First: Dataset, Second: Dataset>: Dataset {
  /// The two datasets.
  public let (first, second): (First, Second)

  /// Two datasets of as many samples.
  /// - Throws: `HeedError` where one has more samples than the other, or both have an array of one name.
  public init(_ first: First, _ second: Second) throws {
    guard first.count == second.count else {
      throw HeedError("got datasets of \(first.count) and \(second.count) samples side by side, expected the same number")
    }
    let names = try Set(first.batch([]).keys).intersection(second.batch([]).keys)
    if let name = names.min() {
      throw HeedError("got two datasets with an array \(JSON.shown(name)), expected names of their own; see `prefix`")
    }
    (self.first, self.second) = (first, second)
  }

  /// The number of samples.
  public var count: Int { first.count }

  /// The tokens of both.
  public func tokenCount(of sample: Int) -> Int { first.tokenCount(of: sample) + second.tokenCount(of: sample) }

  /// The arrays of both.
  /// - Throws: `HeedError` as each of them does.
  public func batch(_ samples: [Int]) throws -> [String: NDArray] {
    try first.batch(samples).merging(second.batch(samples)) { first, _ in first }
  }
}

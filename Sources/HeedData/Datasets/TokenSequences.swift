public import HeedArrays
internal import HeedIR
internal import HeedModels

/// Sequences of tokens of any lengths. A batch has them one after another, without padding: `ids i32[T]`, and `offsets i32[B + 1]` that
/// rise from 0 to T. Sequence b is `ids[offsets[b] ..< offsets[b + 1]]`.
public struct TokenSequences: Dataset {
  /// The names of the two arrays of a batch.
  public let (idsName, offsetsName): (String, String)
  private var tokens: [Int32] = []
  private var ends: [Int] = []

  /// Sequences of ids.
  /// - Parameter prefix: what stands before the names of the arrays: `query` makes `query_ids` and `query_offsets`.
  public init(_ sequences: some Sequence<[Int32]>, prefix: String = "") {
    let start = prefix.isEmpty ? "" : prefix + "_"
    (idsName, offsetsName) = (start + "ids", start + "offsets")
    for sequence in sequences {
      tokens += sequence
      ends.append(tokens.count)
    }
  }

  /// Texts as a tokenizer encodes them.
  /// - Parameters:
  ///   - prefix: as for ids.
  ///   - maximumTokens: how many tokens of a text are kept.
  public init(_ texts: some Sequence<String>, tokenizer: some Tokenizer, prefix: String = "", maximumTokens: Int = .max) {
    self.init(texts.lazy.map { Array(tokenizer.encode($0).prefix(max(maximumTokens, 0))) }, prefix: prefix)
  }

  /// The number of sequences.
  public var count: Int { ends.count }

  private func range(_ sample: Int) -> Range<Int> { (sample == 0 ? 0 : ends[sample - 1])..<ends[sample] }

  /// The tokens of a sequence.
  public subscript(sample: Int) -> ArraySlice<Int32> { tokens[range(sample)] }

  /// The number of tokens of a sequence.
  public func tokenCount(of sample: Int) -> Int { range(sample).count }

  /// The ids and offsets of these sequences.
  /// - Throws: `HeedError` where they have more tokens than i32 counts.
  public func batch(_ samples: [Int]) throws -> [String: NDArray] {
    let total = samples.reduce(0) { $0 + tokenCount(of: $1) }
    guard total <= Int32.max else { throw HeedError("got a batch of \(total) tokens, expected at most \(Int32.max)") }
    var (ids, offsets): ([Int32], [Int32]) = ([], [0])
    ids.reserveCapacity(total)
    for sample in samples {
      ids += tokens[range(sample)]
      offsets.append(Int32(ids.count))
    }
    return [idsName: try NDArray(ids, [ids.count]), offsetsName: try NDArray(offsets, [offsets.count])]
  }
}

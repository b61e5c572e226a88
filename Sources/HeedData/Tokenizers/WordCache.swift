internal import HeedIR

/// The tokens of words that were seen before.
struct WordTokens: Sendable {
  private var words = WordTable()
  private var ids: [Int32] = []
  private var ends: [Int] = []

  /// Words of more bytes are rare, and not kept; neither are more words than this.
  private static let (byteLimit, wordLimit) = (32, 1 << 16)

  /// Appends the tokens of `word` to `result`, as `compute` returns them the first time.
  mutating func append(_ word: UnsafeRawBufferPointer, to result: inout [Int32], compute: () -> [Int32]) {
    guard word.count <= Self.byteLimit else { return result += compute() }
    if let number = words.find(word) {
      result += ids[(number == 0 ? 0 : ends[number - 1])..<ends[number]]
      return
    }
    let tokens = compute()
    result += tokens
    guard words.count < Self.wordLimit else { return }
    _ = words.insert(word)
    ids += tokens
    ends.append(ids.count)
  }
}

/// Caches of words for threads that encode at once: each takes one that is free, or a new one, and puts it back.
final class WordCache: Sendable {
  private let free = Lock<[WordTokens]>([])

  func withTokens<Result>(_ body: (inout WordTokens) -> Result) -> Result {
    var tokens = free.withLock { $0.popLast() } ?? WordTokens()
    defer { free.withLock { $0.append(tokens) } }
    return body(&tokens)
  }
}

import HeedData

/// Byte-pair encoding by its definition: everything is counted again for each merge.
struct NaiveBytePairs {
  var tokens: [[UInt8]] = ByteAlphabet.bytes.map { [$0] }
  var merges: [BytePair] = []

  init(words: [[UInt8]: Int], tokenCount: Int, minimumCount: Int) {
    var symbols = words.map { (word: $0.key.map { ByteAlphabet.ids[Int($0)] }, count: $0.value) }
    while tokens.count < tokenCount {
      var counts: [BytePair: Int] = [:]
      for (word, count) in symbols { for pair in Self.pairs(word) { counts[pair, default: 0] += count } }
      let best = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
      guard let best, best.value >= minimumCount else { return }
      let bytes = tokens[Int(best.key.left)] + tokens[Int(best.key.right)]
      let token = Int32(tokens.firstIndex(of: bytes) ?? tokens.count)
      if token == tokens.count { tokens.append(bytes) }
      merges.append(best.key)
      symbols = symbols.map { (Self.merged($0.word, best.key, token), $0.count) }
    }
  }

  /// The tokens of a word: each time the first of the learned pairs that stands in it, from left to right.
  func encode(_ word: [UInt8]) -> [Int32] {
    var symbols = word.map { ByteAlphabet.ids[Int($0)] }
    while let rank = Self.pairs(symbols).compactMap({ merges.firstIndex(of: $0) }).min() {
      let pair = merges[rank]
      let token = tokens.firstIndex(of: tokens[Int(pair.left)] + tokens[Int(pair.right)])!
      let place = symbols.indices.dropLast().first { BytePair(symbols[$0], symbols[$0 + 1]) == pair }!
      symbols.replaceSubrange(place...place + 1, with: [Int32(token)])
    }
    return symbols
  }

  private static func pairs(_ symbols: [Int32]) -> [BytePair] { zip(symbols, symbols.dropFirst()).map { BytePair($0, $1) } }

  private static func merged(_ symbols: [Int32], _ pair: BytePair, _ token: Int32) -> [Int32] {
    var result: [Int32] = []
    var place = 0
    while place < symbols.count {
      let isPair = place + 1 < symbols.count && BytePair(symbols[place], symbols[place + 1]) == pair
      result.append(isPair ? token : symbols[place])
      place += isPair ? 2 : 1
    }
    return result
  }
}

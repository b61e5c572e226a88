internal import HeedIR

extension BytePairTokenizer {
  /// Learns a tokenizer from texts. The same texts, in any order, make the same tokenizer.
  /// - Parameters:
  ///   - texts: what to learn from. Special tokens in it are left out.
  ///   - vocabularySize: the number of tokens, the 256 bytes and the special ones counted. A small text makes fewer.
  ///   - specialTokens: names that stand for tokens of their own.
  ///   - minimumCount: how often a pair must stand in the texts to be merged.
  /// - Throws: `HeedError` where the vocabulary has no room for bytes and special tokens, or a special token has no
  ///   name, one longer than 256 bytes, or another's.
  public static func train(
    on texts: some Sequence<String>, vocabularySize: Int, specialTokens: [String] = [], minimumCount: Int = 2
  ) throws -> BytePairTokenizer {
    let limit = vocabularySize - specialTokens.count
    guard limit >= 256, vocabularySize <= 1 << 24 else {
      throw HeedError(
        "got a vocabulary of \(vocabularySize) tokens, expected from \(256 + specialTokens.count), the bytes and special tokens, "
          + "to \(1 << 24)")
    }
    guard minimumCount >= 1 else { throw HeedError("got \(minimumCount) as the least count of a pair, expected at least 1") }
    let special = try SpecialTokens(specialTokens.enumerated().map { ($1, Int32($0)) })
    var words = WordTable()
    var counts: [Int] = []
    for text in texts {
      let bytes = Array(text.utf8)
      special.split(bytes, piece: { count(bytes, $0, &words, &counts) }, token: { _ in })
    }
    var trainer = try BytePairTrainer(words, counts: counts)
    trainer.train(tokenCount: limit, minimumCount: minimumCount)
    let file = try TokenizerFile(tokens: trainer.tokens, merges: trainer.merges, specialTokens: specialTokens)
    return try BytePairTokenizer(file)
  }

  /// Learns a tokenizer from text files, as `train(on:vocabularySize:specialTokens:minimumCount:)` does.
  /// - Throws: `HeedError` as that does, and where a file cannot be read or is not UTF-8.
  public static func train(
    onFiles paths: [String], vocabularySize: Int, specialTokens: [String] = [], minimumCount: Int = 2
  ) throws -> BytePairTokenizer {
    try train(
      on: paths.map(TextFile.read), vocabularySize: vocabularySize, specialTokens: specialTokens, minimumCount: minimumCount)
  }

  /// Counts the words of a part of a text.
  private static func count(_ bytes: [UInt8], _ part: Range<Int>, _ words: inout WordTable, _ counts: inout [Int]) {
    var start = part.lowerBound
    while start < part.upperBound {
      let end = WordSplitter.endOfWord(bytes, from: start, end: part.upperBound)
      let word = bytes.withUnsafeBytes { words.insert(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
      if word == counts.count { counts.append(0) }
      counts[word] += 1
      start = end
    }
  }
}

import Foundation
import HeedData
import HeedModels
import HeedTestSupport
import Testing

@Suite struct BytePairTokenizerTests {
  private static let text = """
    Attention is a function of a query and of pairs of keys and values. The output is a weighted sum of the values, and the weight
    of each value is a function of the query and of the value's key. We'll attend to 128 or 256 keys, or 1024. Größe, naïve, 注意力.
    """

  private func tokenizer(_ size: Int = 290, special: [String] = ["<|end|>", "<|end|>>"]) throws -> BytePairTokenizer {
    try .train(on: [Self.text], vocabularySize: size, specialTokens: special)
  }

  @Test func anyBytesComeBack() throws {
    let tokenizer = try tokenizer()
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(try tokenizer.decode(tokenizer.encode(bytes: bytes)) == bytes)
    }
    #expect(try tokenizer.decodeText(tokenizer.encode(Self.text)) == Self.text)
    #expect(tokenizer.encode(Self.text).count < Self.text.utf8.count * 2 / 3)
  }

  @Test func specialTokensAreOneID() throws {
    let tokenizer = try tokenizer()
    #expect(tokenizer.vocabularySize == 290)
    #expect(tokenizer.specialToken("<|end|>") == 288 && tokenizer.specialToken("<|end|>>") == 289)
    #expect(tokenizer.specialToken("<|begin|>") == nil)
    let plain = tokenizer.encode("of the")
    #expect(tokenizer.encode("of the<|end|>of the<|end|>><|end|") == plain + [288] + plain + [289] + tokenizer.encode("<|end|"))
    #expect(!tokenizer.encode(bytes: Array("<|end|>".utf8)).contains(288))
    #expect(try tokenizer.decodeText([288, 289]) == "<|end|><|end|>>")
    // White space before a special token belongs to it as it would to the end of the text.
    #expect(tokenizer.encode("a  <|end|>b") == tokenizer.encode("a  ") + [288] + tokenizer.encode("b"))
  }

  @Test func encodesAsTheDefinitionDoes() throws {
    let tokenizer = try tokenizer(400, special: [])
    var generator = SeededGenerator(seed: 9)
    var words: [[UInt8]: Int] = [:]
    func split(_ text: String) -> [[UInt8]] {
      let bytes = Array(text.utf8)
      var (words, start): ([[UInt8]], Int) = ([], 0)
      while start < bytes.count {
        let end = WordSplitter.endOfWord(bytes, from: start, end: bytes.count)
        words.append(Array(bytes[start..<end]))
        start = end
      }
      return words
    }
    for word in split(Self.text) { words[word, default: 0] += 1 }
    let naive = NaiveBytePairs(words: words, tokenCount: 400, minimumCount: 2)
    #expect(tokenizer.vocabularySize == naive.tokens.count && tokenizer.mergeCount == naive.merges.count)
    let characters = Array(Self.text)
    for _ in 0..<200 {
      let text = String((0..<Int.random(in: 0...30, using: &generator)).map { _ in generator.pick(characters) })
      // Twice: the second time its words are known.
      for _ in 0..<2 { #expect(tokenizer.encode(text) == split(text).flatMap { naive.encode($0) }) }
    }
    #expect(tokenizer.encode(Self.text) == split(Self.text).flatMap { naive.encode($0) })
  }

  @Test func theOrderOfTextsDoesNotMatter() throws {
    let lines = Self.text.split(separator: ".").map(String.init)
    let first = try BytePairTokenizer.train(on: lines, vocabularySize: 350)
    let second = try BytePairTokenizer.train(on: lines.reversed(), vocabularySize: 350)
    try withTemporaryFolder { folder in
      try first.write(to: folder + "/1")
      try second.write(to: folder + "/2")
      #expect(try TextFile.read(folder + "/1") == TextFile.read(folder + "/2"))
    }
  }

  @Test func specialTokensAreLeftOutOfTraining() throws {
    let text = String(repeating: "ab<|end|>", count: 50)
    let tokenizer = try BytePairTokenizer.train(on: [text], vocabularySize: 300, specialTokens: ["<|end|>"])
    #expect(tokenizer.mergeCount == 1 && tokenizer.vocabularySize == 258)
    // A name that is spelled as a token is that token.
    let named = try BytePairTokenizer.train(on: [text], vocabularySize: 300, specialTokens: ["<|end|>", "ab", "x"])
    #expect(named.specialToken("x") == ByteAlphabet.ids[0x78])
    #expect(named.encode("xab") == [named.specialToken("x")!, named.specialToken("ab")!])
  }

  /// Special tokens that have the bytes of other tokens, but not their name in a file.
  @Test func specialTokensOfTheBytesOfOthers() throws {
    let text = String(repeating: "注 注 ", count: 50)
    let tokenizer = try BytePairTokenizer.train(on: [text], vocabularySize: 300, specialTokens: ["注", " "], minimumCount: 1)
    let plain = tokenizer.encode(bytes: Array("注 注".utf8))
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder + "/tokenizer.json")
      for tokenizer in [tokenizer, try BytePairTokenizer(file: folder + "/tokenizer.json")] {
        let special = try #require(tokenizer.specialToken("注"))
        #expect(tokenizer.encode("注") == [special] && !plain.contains(special))
        #expect(tokenizer.encode(bytes: Array("注 注".utf8)) == plain)
        #expect(try tokenizer.decodeText(tokenizer.encode(text)) == text)
      }
    }
    #expect(
      headline { try BytePairTokenizer.train(on: [text], vocabularySize: 300, specialTokens: ["Ġ"]) }
        == "error: got the special token \"Ġ\", which is how a file writes the token of other bytes")
  }

  @Test func threadsEncodeAtOnce() async throws {
    let tokenizer = try tokenizer()
    let lines = (0..<64).map { "\($0) of the keys and \(Self.text)" }
    let expected = lines.map { tokenizer.encode($0) }
    let got = await withTaskGroup(of: (Int, [Int32]).self) { group in
      for (index, line) in lines.enumerated() { group.addTask { (index, tokenizer.encode(line)) } }
      return await group.reduce(into: [Int: [Int32]]()) { $0[$1.0] = $1.1 }
    }
    #expect(lines.indices.allSatisfy { got[$0] == expected[$0] })
  }

  /// Text that is one long word takes n log n time.
  @Test func longWords() throws {
    let tokenizer = try BytePairTokenizer.train(
      on: [String(repeating: "a", count: 100_000)], vocabularySize: 300, specialTokens: [])
    let ids = tokenizer.encode(String(repeating: "a", count: 500_000))
    #expect(ids.count < 500 && tokenizer.mergeCount > 10)
    #expect(try tokenizer.decode(ids).count == 500_000)
  }

  @Test func errors() throws {
    #expect(
      headline { try BytePairTokenizer.train(on: ["a"], vocabularySize: 256, specialTokens: ["a"]) }
        == "error: got a vocabulary of 256 tokens, expected from 257, the bytes and special tokens, to 16777216")
    #expect(
      headline { try BytePairTokenizer.train(on: ["a"], vocabularySize: 300, specialTokens: ["a", "a"]) }
        == "error: got the special token \"a\" twice")
    #expect(
      headline { try BytePairTokenizer.train(on: ["a"], vocabularySize: 300, specialTokens: [""]) }
        == "error: got a special token without a name")
    #expect(
      headline { try BytePairTokenizer.train(on: ["a"], vocabularySize: 300, minimumCount: 0) }
        == "error: got 0 as the least count of a pair, expected at least 1")
    let tokenizer = try tokenizer()
    for id in [-1, 290, .max] as [Int32] {
      #expect(headline { try tokenizer.decode([0, id]) } == "error: got the token \(id), expected one from 0 to 289")
    }
    #expect(
      headline { try BytePairTokenizer.train(onFiles: ["/nonexistent"], vocabularySize: 300) }
        == "error: opening /nonexistent: No such file or directory")
  }
}

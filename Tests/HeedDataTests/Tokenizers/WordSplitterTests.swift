import Foundation
import HeedData
import HeedTestSupport
import Testing

@Suite struct WordSplitterTests {
  private func words(_ bytes: [UInt8]) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
      let end = WordSplitter.endOfWord(bytes, from: start, end: bytes.count)
      #expect(end > start && end <= bytes.count)
      words.append(Array(bytes[start..<end]))
      start = end
    }
    return words
  }

  /// Foundation's regular expressions, with GPT-2's pattern, are the oracle.
  @Test func splitsAsThePatternDoes() throws {
    let alternatives = [
      #"'(?:[sdmt]|ll|ve|re)"#, #" ?\p{L}+"#, #" ?\p{N}+"#, #" ?[^\p{White_Space}\p{L}\p{N}]+"#,
      #"\p{White_Space}+(?!\P{White_Space})"#, #"\p{White_Space}+"#,
    ]
    let pattern = try NSRegularExpression(pattern: alternatives.joined(separator: "|"))
    let parts = [
      "a", "Zé", "ß", "中", "1", "²", "Ⅷ", "٣", " ", "  ", "\n", "\t", "\u{a0}", "\u{3000}", "'", "'s", "'ll", "'l", "'RE", "'ve",
      "'",
      "!", "--", "\u{301}", "🙂", "\u{200b}", "_", "\u{0}", "ǅ", "ʰ",
    ]
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in generator.pick(parts) }.joined()
      let string = NSString(string: text)
      let expected = pattern.matches(in: text, range: NSRange(location: 0, length: string.length)).map {
        Array(string.substring(with: $0.range).utf8)
      }
      #expect(words(Array(text.utf8)) == expected, "\(text.debugDescription)")
    }
  }

  @Test func anyBytesSplitWithoutGaps() {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        generator.pick([0x20, 0x27, 0x61, 0x73, 0xc3, 0xa9, 0xe4, 0xb8, 0xad, 0xf0, 0x9f, 0xff, 0x80, 0xed, 0xa0] as [UInt8])
      }
      #expect(words(bytes).flatMap { $0 } == bytes)
    }
    // Surrogates, overlong forms and half of a character are bytes of another class than letters.
    #expect(words([0x61, 0xed, 0xa0, 0x80, 0x61]) == [[0x61], [0xed, 0xa0, 0x80], [0x61]])
    #expect(words([0x61, 0xc1, 0xa1, 0xc3]) == [[0x61], [0xc1, 0xa1, 0xc3]])
  }
}

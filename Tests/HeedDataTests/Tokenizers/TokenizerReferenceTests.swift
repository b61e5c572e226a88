import Foundation
import HeedData
import HeedModels
import HeedSystem
import HeedTestSupport
import Testing

/// Against the Rust library `tokenizers`: see Tests/Resources/bytepair/generate.py.
@Suite struct TokenizerReferenceTests {
  private static let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Resources").path

  private static let texts = Result {
    try FileBytes.read(resources + "/tokenizer/strings.jsonl").split(separator: 0x0a).compactMap { line in
      try JSON(parsing: line).array?[0].string
    }
  }

  /// The same vocabulary and merges are learned from the same texts.
  @Test func learnsTheSameMerges() throws {
    let texts = try Self.texts.get().prefix(2500)
    let tokenizer = try BytePairTokenizer.train(on: texts, vocabularySize: 901, specialTokens: ["<|end|>"])
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder + "/tokenizer.json")
      let got = try JSON(file: folder + "/tokenizer.json")
      let expected = try JSON(file: Self.resources + "/bytepair/tokenizer.json")
      let vocabulary = try #require(expected["model"]?["vocab"]?.members)
      #expect(vocabulary.count == 900)
      #expect(
        got["model"]?["vocab"]?.members.map { Dictionary(uniqueKeysWithValues: $0.map { ($0, $1) }) }
          == Dictionary(uniqueKeysWithValues: vocabulary.map { ($0, $1) }))
      let merges = expected["model"]?["merges"]?.array?.map { ($0.array ?? []).compactMap(\.string).joined(separator: " ") }
      #expect(got["model"]?["merges"]?.array?.map(\.string) == merges)
    }
  }

  /// Its file makes the same ids of every text.
  @Test func encodesEveryString() throws {
    let tokenizer = try BytePairTokenizer(file: Self.resources + "/bytepair/tokenizer.json")
    let texts = try Self.texts.get()
    let hashes = try TextFile.lines(Self.resources + "/bytepair/hashes.txt")
    #expect(texts.count > 3000 && texts.count == hashes.count)
    for (text, expected) in zip(texts, hashes) {
      let ids = tokenizer.encode(text + "<|end|>")
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for id in ids { withUnsafeBytes(of: id.littleEndian) { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } } }
      let digits = String(hash, radix: 16)
      #expect(
        String(repeating: "0", count: 16 - digits.count) + digits == expected,
        "\(text.unicodeScalars.map { String($0.value, radix: 16) })")
      #expect(try tokenizer.decodeText(ids) == text + "<|end|>")
    }
  }
}

import Foundation
import HeedData
import HeedIR
import HeedModels
import HeedTestSupport
import Testing

@Suite struct TokenizerFileTests {
  private func written() throws -> String {
    let text = String(repeating: "the value of the key, the weight of the value. ", count: 3)
    let tokenizer = try BytePairTokenizer.train(on: [text], vocabularySize: 290, specialTokens: ["<|end|>"])
    return try withTemporaryFolder { folder in
      try tokenizer.write(to: folder + "/tokenizer.json")
      return try TextFile.read(folder + "/tokenizer.json")
    }
  }

  @Test func readingWhatWasWritten() throws {
    let text = try written()
    try withFile(text.utf8) { path in
      let tokenizer = try BytePairTokenizer(file: path)
      #expect(tokenizer.vocabularySize == 257 + tokenizer.mergeCount)
      #expect(tokenizer.specialToken("<|end|>") == Int32(tokenizer.vocabularySize - 1))
      try tokenizer.write(to: path + ".2")
      #expect(try TextFile.read(path + ".2") == text)
      // Merges may also be written as arrays of two strings.
      let start = try #require(text.range(of: "\"merges\": [")).upperBound
      let pairs = text.replacingOccurrences(
        of: #""([^" ]+) ([^" ]+)""#, with: #"["$1", "$2"]"#, options: .regularExpression, range: start..<text.endIndex)
      #expect(pairs != text)
      try Data(pairs.utf8).write(to: URL(fileURLWithPath: path))
      #expect(try BytePairTokenizer(file: path).encode("the value") == tokenizer.encode("the value"))
    }
  }

  /// A vocabulary that begins with a special token, whose name is not made of characters that stand for bytes.
  @Test func specialTokensInsideTheVocabulary() throws {
    let bytes = ByteAlphabet.bytes.enumerated().map { id, byte in "\(JSON.quoted(ByteAlphabet.text([byte]))): \(id + 1)" }
    let text = """
      {"added_tokens": [{"id": 0, "content": "<注>"}], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
      "model": {"vocab": {"<注>": 0, \(bytes.joined(separator: ", ")), "ab": 257}, "merges": ["a b"]}}
      """
    try withFile(text.utf8) { path in
      let tokenizer = try BytePairTokenizer(file: path)
      #expect(tokenizer.vocabularySize == 258 && tokenizer.specialToken("<注>") == 0)
      #expect(tokenizer.encode("ab<注>!") == [257, 0, 1])
      try tokenizer.write(to: path)
      #expect(try BytePairTokenizer(file: path).encode("ab<注>!") == [257, 0, 1])
    }
  }

  @Test(arguments: [
    ("\"type\": \"BPE\"", "\"type\": \"WordPiece\"", "model.type: got \"WordPiece\", expected \"BPE\" or null"),
    ("\"dropout\": null", "\"dropout\": 0.1", "model.dropout: got a number, expected null"),
    ("\"add_prefix_space\": false", "\"add_prefix_space\": true", "pre_tokenizer.add_prefix_space: got true, expected false"),
    ("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}", "normalizer: got an object, expected null"),
    (
      "\"lstrip\": false", "\"lstrip\": true",
      "added_tokens: \"<|end|>\": got lstrip, expected a token that is matched as it stands"
    ),
    ("\"!\": 0", "\"!\": 1", "vocab: \"\\\"\": got no id of its own from 0 to COUNT"),
    ("\"!\": 0", "\"!\": -1", "vocab: \"!\": got no id of its own from 0 to COUNT"),
    ("\"!\": 0", "\"b!\": 0", "vocab: got no token for the byte 33, expected one for each of the 256"),
    ("\"!\": 0", "\"! \": 0", "vocab: got \"! \", expected characters that stand for bytes"),
    ("\"merges\": [\"", "\"merges\": [\"x", "merges: got no pair of tokens that makes a token at index 0"),
    ("\"merges\": [\"", "\"merges\": [1, \"", "merges: got no pair of tokens that makes a token at index 0"),
    ("\"id\": ", "\"id\": 9", "added_tokens: got the id 9ID for \"<|end|>\", expected ID"),
    ("\"vocab\": {", "\"vocab\": [], \"x\": {", "got no model with vocab and merges"),
  ])
  func rejects(part: String, other: String, expected: String) throws {
    let text = try written()
    let tokenizer = try withFile(text.utf8) { try BytePairTokenizer(file: $0) }
    let range = try #require(text.range(of: part))
    let got = headline(reading: text.replacingCharacters(in: range, with: other).utf8) { try BytePairTokenizer(file: $0) }
    let last = tokenizer.vocabularySize - 1
    let message = expected.replacingOccurrences(of: "COUNT", with: "\(last - 1)").replacingOccurrences(of: "ID", with: "\(last)")
    #expect(got == "error: reading FILE: \(message)")
  }

  @Test func damagedFilesNeverTrap() throws {
    var generator = SeededGenerator(seed: 10)
    let text = Array(try written().utf8)
    for _ in 0..<300 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = generator.pick(Array("0123456789\"{}[]:, a".utf8))
      }
      do {
        let tokenizer = try BytePairTokenizer(TokenizerFile(JSON(parsing: bytes)))
        let sample = Array("the value of the <|end|>".utf8)
        #expect(try tokenizer.decode(tokenizer.encode(bytes: sample)) == sample)
      } catch { #expect(error is HeedError) }
    }
  }
}

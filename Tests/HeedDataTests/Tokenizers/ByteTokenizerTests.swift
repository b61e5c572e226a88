import HeedData
import HeedTestSupport
import Testing

@Suite struct ByteTokenizerTests {
  @Test func idsAreBytes() throws {
    let tokenizer = try ByteTokenizer(specialTokens: ["<end>", "注"])
    #expect(tokenizer.vocabularySize == 258)
    #expect(tokenizer.encode("aé<end>注") == [0x61, 0xc3, 0xa9, 256, 257])
    #expect(try tokenizer.decodeText([0x61, 0xc3, 0xa9, 256, 257]) == "aé<end>注")
    let all = Array(UInt8.min ... .max)
    #expect(tokenizer.encode(bytes: all) == (0..<256).map { Int32($0) })
    #expect(try tokenizer.decode(tokenizer.encode(bytes: all)) == all)
    let long = String(repeating: "a", count: 257)
    #expect(
      headline { try ByteTokenizer(specialTokens: [long]) } == "error: got a special token of 257 bytes, expected at most 256")
    #expect(
      headline { try ByteTokenizer(specialTokens: ["ß"]) }
        == "error: got the special token \"ß\", which is how a file writes the token of other bytes")
    let named = try ByteTokenizer(specialTokens: ["x", "a"])
    #expect(named.vocabularySize == 256 && named.encode("ax") == [0x61, 0x78] && named.specialToken("a") == 0x61)
    #expect(headline { try tokenizer.decode([258]) } == "error: got the token 258, expected one from 0 to 257")
  }

  @Test func byteAlphabetIsABijection() throws {
    let tokenizer = try ByteTokenizer(specialTokens: ["<end>"])
    try withTemporaryFolder { folder in
      try tokenizer.write(to: folder + "/tokenizer.json")
      let pairs = try BytePairTokenizer(file: folder + "/tokenizer.json")
      let all = Array(UInt8.min ... .max)
      #expect(pairs.encode(bytes: all) == tokenizer.encode(bytes: all))
      #expect(pairs.encode("a<end>") == [0x61, 256] && pairs.vocabularySize == 257)
    }
  }
}

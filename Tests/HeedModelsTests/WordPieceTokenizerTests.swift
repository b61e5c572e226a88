import Foundation
import HeedIR
import HeedModels
import HeedSystem
import HeedTestSupport
import Testing

@Suite struct WordPieceTokenizerTests {
  static let vocabulary = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##believ", "##able", "able", "!", "\u{e9}", "e", "\u{4e00}", "A",
  ]

  static func tokenizer(_ options: String = "{}", limit: Int = 256) throws -> WordPieceTokenizer {
    let text = vocabulary.joined(separator: "\n") + "\n"
    return try WordPieceTokenizer(
      vocabulary: Array(text.utf8), options: WordPieceOptions(JSON(parsing: options.utf8)), maximumTokens: limit)
  }

  @Test(
    arguments: [
      ("", []), ("unbelievable", [5, 6, 7]), ("UN  able!", [5, 8, 9]), ("unable", [5, 7]), ("unx un", [1, 5]),
      ("\u{e9} e\u{301}", [11, 11]),
      ("un\u{4e00}able", [5, 12, 8]), ("un[MASK]able", [5, 4, 8]), ("[mask]", [1, 1, 1]), ("u\u{200b}n\u{0}", [5]), ("!!", [9, 9]),
    ] as [(String, [Int32])])
  func encodes(text: String, expected: [Int32]) throws {
    #expect(try Self.tokenizer().encode(text) == [2] + expected + [3])
  }

  @Test func spellsTokens() throws {
    let tokenizer = try Self.tokenizer()
    #expect(tokenizer.encode("UN able!").map(tokenizer.token) == ["[CLS]", "un", "able", "!", "[SEP]"])
    #expect(Self.vocabulary.indices.map { tokenizer.token(Int32($0)) } == Self.vocabulary)
    #expect(tokenizer.token(-1) == nil && tokenizer.token(Int32(Self.vocabulary.count)) == nil)
    #expect(tokenizer.token(.max) == nil && tokenizer.token(.min) == nil)
  }

  @Test func optionsAreHeeded() throws {
    let cased = try Self.tokenizer("{\"do_lower_case\": false}")
    #expect(cased.encode("A \u{e9} e\u{301} UN") == [2, 13, 10, 1, 1, 3])
    let stripped = try Self.tokenizer("{\"do_lower_case\": false, \"strip_accents\": true}")
    #expect(stripped.encode("A \u{e9} e\u{301}") == [2, 13, 11, 11, 3])
    let kept = try Self.tokenizer("{\"strip_accents\": false}")
    #expect(kept.encode("\u{c9}") == [2, 10, 3])
    #expect(try Self.tokenizer("{\"tokenize_chinese_chars\": false}").encode("un\u{4e00}") == [2, 1, 3])
    #expect(try Self.tokenizer("{\"mask_token\": {\"content\": \"un\"}}").encode("[MASK] xunx") == [2, 1, 1, 1, 1, 5, 1, 3])
  }

  @Test func cutsAtTheLimit() throws {
    #expect(try Self.tokenizer(limit: 5).encode("unbelievable unbelievable") == [2, 5, 6, 7, 3])
    #expect(try Self.tokenizer(limit: 4).encode("unbelievable") == [2, 5, 6, 3])
    #expect(try Self.tokenizer(limit: 3).encode("[MASK][MASK]") == [2, 4, 3])
    #expect(try Self.tokenizer(limit: 2).encode("un") == [2, 3])
    #expect(try Self.tokenizer().encode(String(repeating: "un ", count: 1000)).count == 256)
  }

  /// Time is linear: a quadratic step would take minutes here.
  @Test(.timeLimit(.minutes(2))) func longTextsAreQuick() throws {
    let tokenizer = try Self.tokenizer()
    let marks = String(decoding: (0..<200_000).flatMap { $0 % 2 == 0 ? [0xcc, 0x81] : [0xcc, 0xa3] as [UInt8] }, as: UTF8.self)
    #expect(tokenizer.encode("e" + marks) == [2, 11, 3])
    #expect(tokenizer.encode(String(repeating: "x", count: 500_000)) == [2, 1, 3])
    #expect(tokenizer.encode(String(repeating: "[", count: 200_000)).count == 256)
  }

  /// Words that never end, of code points of every kind, a few of them or all that there are.
  @Test(.timeLimit(.minutes(5)), arguments: [false, true]) func longWordsAreQuick(ofAllKinds: Bool) throws {
    let tokenizer = try Self.tokenizer()
    let kinds: [ClosedRange<UInt32>] = [
      0x61...0x7a, 0x300...0x36f, 0x400...0x4ff, 0xac00...0xd7a3, 0xe000...0xe0ff, 0x200b...0x200f, 0x302e...0x302f,
      0x1f600...0x1f64f,
    ]
    for kind in kinds {
      let scalars = (ofAllKinds ? Array(kind) : [kind.first!]).compactMap(Unicode.Scalar.init)
      var text = ""
      for position in 0..<1_000_000 { text.unicodeScalars.append(scalars[position % scalars.count]) }
      let isNothing = [0x300, 0xe000, 0x200b].contains(kind.first!)
      #expect(tokenizer.encode(text) == (isNothing ? [2, 3] : [2, 1, 3]), "\(kind)")
      #expect(tokenizer.encode(text + " un") == (isNothing ? [2, 5, 3] : [2, 1, 5, 3]), "\(kind)")
    }
  }

  /// Words that are read code point by code point are those of the whole text, with the table of code points and without.
  @Test(arguments: [40, 30_000]) func wordsAreThoseOfTheWholeText(length: Int) throws {
    var generator = SeededGenerator(seed: UInt64(length))
    let kinds: [ClosedRange<UInt32>] = [
      0x20...0x7e, 0x00...0xff, 0x300...0x36f, 0x370...0x4ff, 0x900...0x9ff, 0x302a...0x302f, 0xac00...0xac7f, 0x4e00...0x4e0f,
      0x1e00...0x1fff, 0x2000...0x206f, 0x3b1...0x3b3, 0x10000...0x1ffff,
    ]
    for round in 0..<(length < 100 ? 2000 : 20) {
      let normalizer = BERTNormalizer(
        cleansText: round % 7 != 0, separatesIdeographs: round % 5 != 0, stripsAccents: round % 3 != 0, lowercases: round % 2 != 0)
      let some = (0..<3).map { _ in generator.pick(kinds) }
      var text = ""
      while text.unicodeScalars.count < length {
        let isBlank = generator.next() % 40 == 0
        let scalar = isBlank ? " " : Unicode.Scalar(UInt32.random(in: generator.pick(some), using: &generator))
        if let scalar { text.unicodeScalars.append(contentsOf: repeatElement(scalar, count: round % 4 == 0 ? 30 : 1)) }
      }
      let expected = BERTNormalizer.words(normalizer.normalize(text.unicodeScalars)).map { word -> BERTWordReader.Word in
        word.count <= 100 ? .whole(word.flatMap { Array(UTF8.encode($0)!) }) : .tooLong
      }
      let got = text.withUTF8 { bytes in
        var reader = BERTWordReader(normalizer, longest: 100, bytes)
        return Array(sequence(state: ()) { _ in reader.next() })
      }
      #expect(got == expected, "round \(round)")
    }
  }

  @Test func rejectsBadFolders() throws {
    try withTemporaryFolder { folder in
      func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }
      try write("vocab.txt", [0xff, 0x0a])
      #expect(
        message { try WordPieceTokenizer(directory: folder) }.hasSuffix("vocab.txt: got bytes that are not UTF-8, expected text"))
      try write("vocab.txt", Array("[CLS]\n[UNK]\n".utf8))
      #expect(
        message { try WordPieceTokenizer(directory: folder) }.hasSuffix("got a vocabulary without the special token \"[SEP]\""))
      try write("vocab.txt", [])
      #expect(
        message { try WordPieceTokenizer(directory: folder) }.hasSuffix("got a vocabulary without the special token \"[UNK]\""))
      try write("vocab.txt", Array(Self.vocabulary.joined(separator: "\r\n").utf8))
      #expect(try WordPieceTokenizer(directory: folder).encode("able") == [2, 8, 3])
      try write("tokenizer_config.json", Array("{\"do_lower_case\": 1}".utf8))
      #expect(
        message { try WordPieceTokenizer(directory: folder) }
          == "reading \(folder)/tokenizer_config.json: do_lower_case: got a number, expected true or false")
      try write("tokenizer_config.json", Array("{\"mask_token\": {\"content\": \"[MASK]\", \"lstrip\": true}}".utf8))
      #expect(
        message { try WordPieceTokenizer(directory: folder) }.hasSuffix("got lstrip, expected a token that is matched as it stands")
      )
    }
    #expect(message { try Self.tokenizer(limit: 1) } == "got a limit of 1 tokens, expected at least 2")
  }
}

/// Against the Rust library `tokenizers`: see Tests/Resources/tokenizer/generate.py.
@Suite struct TokenizerReferenceTests {
  /// What normalisation and splitting make of every code point, by option set.
  @Test(arguments: 0..<4) func everyCodePoint(set: Int) throws {
    let json = try #require(try JSON(file: TestFiles.resource("tokenizer/codepoints.json")).array)[set]
    let normalizer = BERTNormalizer(
      stripsAccents: json["strip_accents"] == .bool(true), lowercases: json["lowercase"] == .bool(true))
    let hashes = try #require(json["hashes"]?.array).compactMap(\.string)
    #expect(hashes.count == 0x110)
    for (page, expected) in hashes.enumerated() {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      func add(_ text: some Sequence<UInt8>) { for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
      for value in UInt32(page * 4096)..<UInt32(page * 4096 + 4096) {
        guard let scalar = Unicode.Scalar(value) else { continue }
        for word in BERTNormalizer.words(normalizer.normalize(["a", scalar, "b"])) {
          for scalar in word { add(UTF8.encode(scalar)!) }
          add([0x0a])
        }
      }
      let digits = String(hash, radix: 16)
      let text = String(repeating: "0", count: 16 - digits.count) + digits
      #expect(text == expected, "code points \(String(page, radix: 16))000...\(String(page, radix: 16))fff")
    }
  }

  @Test(.enabled(if: TestModel.isThere, TestModel.skipMessage)) func everyString() throws {
    let tokenizer = try ModelDirectory(path: TestModel.path).tokenizer()
    let lines = try FileBytes.read(TestFiles.resource("tokenizer/strings.jsonl")).split(separator: 0x0a)
    #expect(lines.count > 3000)
    var failures = 0
    for line in lines {
      let pair = try #require(try JSON(parsing: line).array)
      let text = try #require(pair[0].string)
      let expected = try #require(pair[1].array).map { Int32($0.integer!) }
      let got = tokenizer.encode(text)
      guard got != expected else { continue }
      failures += 1
      if failures <= 20 {
        Issue.record("\(text.unicodeScalars.map { String($0.value, radix: 16) }): got \(got), expected \(expected)")
      }
    }
    #expect(failures == 0)
  }

  /// The ids of the sentences whose embeddings are known.
  @Test(.enabled(if: TestModel.isThere, TestModel.skipMessage)) func everySentence() throws {
    let tokenizer = try ModelDirectory(path: TestModel.path).tokenizer()
    let lines = try FileBytes.read(TestFiles.resource("minilm/sentences.jsonl")).split(separator: 0x0a)
    #expect(lines.count == 37)
    for line in lines {
      let json = try JSON(parsing: line)
      let text = try #require(json["text"]?.string)
      #expect(try tokenizer.encode(text) == #require(json["ids"]?.array).map { Int32($0.integer!) }, "\(text)")
    }
  }
}

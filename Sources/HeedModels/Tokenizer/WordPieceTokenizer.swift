import HeedIR
internal import HeedSystem

/// BERT's WordPiece tokenizer: text to the same ids as with the Rust library `tokenizers`.
///
/// Special tokens in the text (`[MASK]`) are recognised first. The rest is normalised (`BERTNormalizer`) and split at white space
/// and around punctuation. Each word is cut greedily into the longest pieces that the vocabulary has. A word that cannot be cut, or
/// has more than 100 code points, becomes `[UNK]`. Sequences are cut off at `maximumTokens`, and never padded.
public struct WordPieceTokenizer: Sendable {
  /// The longest result of `encode`, `[CLS]` and `[SEP]` counted.
  public let maximumTokens: Int
  /// One more than the greatest id.
  public let vocabularySize: Int
  package let normalizer: BERTNormalizer
  /// The vocabulary by id.
  private let spellings: [ArraySlice<UInt8>]
  private let words: VocabularyTrie
  private let continuations: VocabularyTrie
  private let specialTokens: VocabularyTrie
  private let isSpecialStart: [Bool]
  private let (unknown, start, end): (Int32, Int32, Int32)

  /// Code points of the longest word that is cut into pieces.
  private static let maximumWordLength = 100

  /// Reads `vocab.txt` and, where it is there, `tokenizer_config.json` from the folder at `path`.
  /// - Throws: `HeedError` that names the file, where it cannot be read, a special token is not in the vocabulary, or the options
  ///   ask for what this tokenizer does not do.
  public init(directory path: String, maximumTokens: Int = ModelDirectory.defaultMaximumTokens) throws {
    let vocabulary = try FileBytes.read(path + "/vocab.txt")
    var options = WordPieceOptions()
    if let json = try ModelDirectory.json(path + "/tokenizer_config.json") {
      do {
        options = try WordPieceOptions(json)
      } catch let error as HeedError {
        throw error.during("reading \(path)/tokenizer_config.json")
      }
    }
    do {
      try self.init(vocabulary: vocabulary, options: options, maximumTokens: maximumTokens)
    } catch let error as HeedError {
      throw error.during("reading \(path)/vocab.txt")
    }
  }

  /// A tokenizer over the bytes of a `vocab.txt`: one word a line, its id the number of the line from 0.
  package init(vocabulary: [UInt8], options: WordPieceOptions = WordPieceOptions(), maximumTokens: Int) throws {
    guard maximumTokens >= 2 else { throw HeedError("got a limit of \(maximumTokens) tokens, expected at least 2") }
    guard vocabulary.count <= 1 << 30 else { throw HeedError("got a vocabulary of more than \(1 << 30) bytes") }
    guard String(validating: vocabulary, as: UTF8.self) != nil else {
      throw HeedError("got bytes that are not UTF-8, expected text")
    }
    self.maximumTokens = maximumTokens
    normalizer = options.normalizer
    var lines = vocabulary.split(separator: 0x0a, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    vocabularySize = lines.count
    let prefix = Array("##".utf8)
    var (words, continuations): ([(bytes: ArraySlice<UInt8>, id: Int32)], [(bytes: ArraySlice<UInt8>, id: Int32)]) = ([], [])
    for (id, line) in lines.enumerated() {
      let word = Self.trimmingEnd(line)
      words.append((word, Int32(id)))
      if word.starts(with: prefix) { continuations.append((word.dropFirst(prefix.count), Int32(id))) }
    }
    spellings = words.map(\.bytes)
    self.words = VocabularyTrie(words)
    self.continuations = VocabularyTrie(continuations)
    unknown = try Self.id(of: options.unknown, in: self.words)
    start = try Self.id(of: options.start, in: self.words)
    end = try Self.id(of: options.end, in: self.words)
    var special: [(bytes: ArraySlice<UInt8>, id: Int32)] = []
    var isSpecialStart = [Bool](repeating: false, count: 256)
    for token in options.specialTokens {
      let bytes = Array(token.utf8)
      guard let match = self.words.longestPrefix(of: bytes[...]), match.count == bytes.count else { continue }
      special.append((bytes[...], match.id))
      isSpecialStart[Int(bytes[0])] = true
    }
    specialTokens = VocabularyTrie(special)
    self.isSpecialStart = isSpecialStart
  }

  private static func id(of token: String, in words: VocabularyTrie) throws -> Int32 {
    let bytes = Array(token.utf8)
    guard let match = words.longestPrefix(of: bytes[...]), match.count == bytes.count else {
      throw HeedError("got a vocabulary without the special token \(JSON.shown(token))")
    }
    return match.id
  }

  private static func trimmingEnd(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let text = String(decoding: line, as: UTF8.self)
    let blanks = text.unicodeScalars.reversed().prefix { $0.properties.isWhitespace }
    return line.dropLast(blanks.reduce(0) { $0 + UTF8.width($1) })
  }

  /// The ids of `text` between those of `[CLS]` and `[SEP]`, at most `maximumTokens` in all. The time is linear in the part of the
  /// text that is used, and the memory beside the text does not grow with it.
  public func encode(_ text: String) -> [Int32] {
    var text = text
    return text.withUTF8(encode)
  }

  private func encode(_ bytes: UnsafeBufferPointer<UInt8>) -> [Int32] {
    let limit = maximumTokens - 2
    var ids: [Int32] = []
    var chunkStart = 0
    var position = 0
    // A chunk ends at an ASCII blank or a special token. Normalisation never reaches across either.
    while position < bytes.count && ids.count < limit {
      let byte = bytes[position]
      if isSpecialStart[Int(byte)], let match = specialTokens.longestPrefix(of: bytes[position...]) {
        encodeChunk(bytes[chunkStart..<position], into: &ids)
        ids.append(match.id)
        position += match.count
        chunkStart = position
      } else if byte == 0x20 || (0x9...0xa).contains(byte) || byte == 0xd {
        encodeChunk(bytes[chunkStart..<position], into: &ids)
        position += 1
        chunkStart = position
      } else {
        position += 1
      }
    }
    if ids.count < limit { encodeChunk(bytes[chunkStart..<position], into: &ids) }
    return [start] + ids.prefix(limit) + [end]
  }

  /// The token of an id as the vocabulary spells it, `##` before a word's continuation; nil for an id outside of the vocabulary.
  public func token(_ id: Int32) -> String? {
    spellings.indices.contains(Int(id)) ? String(decoding: spellings[Int(id)], as: UTF8.self) : nil
  }

  /// Appends the ids of a text without special tokens, as far as there is room for them.
  private func encodeChunk(_ chunk: Slice<UnsafeBufferPointer<UInt8>>, into ids: inout [Int32]) {
    guard !chunk.isEmpty else { return }
    var reader = BERTWordReader(normalizer, longest: Self.maximumWordLength, UnsafeBufferPointer(rebasing: chunk))
    while ids.count < maximumTokens - 2, let word = reader.next() {
      switch word {
      case .whole(let word): encodeWord(word, into: &ids)
      case .tooLong: ids.append(unknown)
      }
    }
  }

  /// Appends the ids of the pieces of a word, or that of `[UNK]`.
  private func encodeWord(_ word: [UInt8], into ids: inout [Int32]) {
    let first = ids.count
    var rest = word[...]
    while !rest.isEmpty, let piece = (rest.startIndex == 0 ? words : continuations).longestPrefix(of: rest) {
      ids.append(piece.id)
      rest = rest.dropFirst(piece.count)
    }
    if !rest.isEmpty {
      ids.removeSubrange(first...)
      ids.append(unknown)
    }
  }
}

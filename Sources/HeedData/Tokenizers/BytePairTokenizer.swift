internal import HeedIR

/// Byte-pair encoding over bytes, as GPT-2 has it: text is split into words (`WordSplitter`), each word into its bytes, and pairs of
/// tokens are merged in the order in which the merges were learned.
///
/// ```swift
/// let tokenizer = try BytePairTokenizer.train(onFiles: ["book.txt"], vocabularySize: 8192, specialTokens: ["<|endoftext|>"])
/// try tokenizer.write(to: "tokenizer.json")
/// let ids = tokenizer.encode("Attention is all you need.")
/// ```
///
/// A trained tokenizer has the tokens of single bytes first, in the order of GPT-2's vocabulary, then one per merge, then the special
/// tokens. Its file is a `tokenizer.json`, which the library `tokenizers` of Hugging Face reads, with the same ids. Values are shared
/// freely between threads. Words that were encoded before are looked up.
/// Source: Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019.
public struct BytePairTokenizer: ByteLevelTokenizer {
  /// The bytes of each token by its id; those of a special token are its name.
  private let tokens: [[UInt8]]
  private let file: TokenizerFile
  private let byteIDs: [Int32]
  private let merges: BytePairMerges
  private let special: SpecialTokens
  private let cache = WordCache()

  /// The number of tokens, special ones counted.
  public var vocabularySize: Int { tokens.count }
  /// The number of merges.
  public var mergeCount: Int { file.merges.count }

  /// Reads a `tokenizer.json`.
  /// - Throws: `HeedError` that names the file, where it cannot be read, is damaged, or describes another kind of tokenizer than
  ///   byte pairs with GPT-2's split into words.
  public init(file path: String) throws { try self.init(TokenizerFile(path: path)) }

  /// A tokenizer as a file describes it.
  package init(_ file: TokenizerFile) throws {
    self.file = file
    let names = file.special.filter { Int($0.id) >= file.tokens.count }
    tokens = file.tokens + names.map { Array($0.name.utf8) }
    let ids = file.idsByBytes()
    byteIDs = (UInt8.min ... .max).map { ids[[$0]]! }
    merges = BytePairMerges(
      file.merges.map { ($0, ids[file.tokens[Int($0.left)] + file.tokens[Int($0.right)]]!) })
    special = try SpecialTokens(file.special)
  }

  /// The ids of `text`. A special token in it is one id.
  public func encode(_ text: String) -> [Int32] {
    let bytes = Array(text.utf8)
    return encode(bytes) { special.split(bytes, piece: $0, token: $1) }
  }

  /// The ids of bytes, which need not be text. Special tokens are not recognised in them.
  public func encode(bytes: [UInt8]) -> [Int32] {
    encode(bytes) { piece, _ in piece(bytes.indices) }
  }

  /// The ids of the parts that `split` names.
  private func encode(_ bytes: [UInt8], split: ((Range<Int>) -> Void, (Int32) -> Void) -> Void) -> [Int32] {
    var ids: [Int32] = []
    cache.withTokens { cache in
      split(
        { range in
          var start = range.lowerBound
          while start < range.upperBound {
            let end = WordSplitter.endOfWord(bytes, from: start, end: range.upperBound)
            bytes.withUnsafeBytes { raw in
              cache.append(UnsafeRawBufferPointer(rebasing: raw[start..<end]), to: &ids) { word(bytes[start..<end]) }
            }
            start = end
          }
        }, { ids.append($0) })
    }
    return ids
  }

  /// The ids of a word.
  private func word(_ bytes: ArraySlice<UInt8>) -> [Int32] {
    var symbols = bytes.map { byteIDs[Int($0)] }
    merges.apply(to: &symbols)
    return symbols
  }

  /// The bytes of a token; those of a special token are its name. Nil where there is no such id.
  public func bytes(of id: Int32) -> [UInt8]? { tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil }

  /// The id of the special token called `name`, or nil.
  public func specialToken(_ name: String) -> Int32? { special.id(name) }

  /// Writes the tokenizer to a `tokenizer.json`.
  /// - Throws: `HeedError` where the file cannot be written.
  public func write(to path: String) throws { try file.write(to: path) }
}

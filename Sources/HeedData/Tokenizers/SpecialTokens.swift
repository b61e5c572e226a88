internal import HeedIR
internal import HeedModels

/// Tokens with a name, which stand in text as they are: `<|endoftext|>`. At each place the longest that matches counts.
struct SpecialTokens: Sendable {
  /// Names and ids in the order of the ids.
  let tokens: [(name: String, id: Int32)]
  private let trie: VocabularyTrie
  private let isStart: [Bool]

  /// The greatest length of a name in bytes, so that splitting a text takes linear time.
  private static let byteLimit = 256

  /// Tokens of these names and ids.
  /// - Throws: `HeedError` where a name is empty, too long or stands there twice.
  init(_ tokens: [(name: String, id: Int32)]) throws {
    self.tokens = tokens.sorted { $0.id < $1.id }
    var (names, isStart): (Set<[UInt8]>, [Bool]) = ([], [Bool](repeating: false, count: 256))
    for (name, _) in tokens {
      let bytes = Array(name.utf8)
      guard let first = bytes.first else { throw HeedError("got a special token without a name") }
      guard bytes.count <= Self.byteLimit else {
        throw HeedError("got a special token of \(bytes.count) bytes, expected at most \(Self.byteLimit)")
      }
      guard names.insert(bytes).inserted else { throw HeedError("got the special token \(JSON.shown(name)) twice") }
      isStart[Int(first)] = true
    }
    trie = VocabularyTrie(tokens.map { (Array($0.name.utf8)[...], $0.id) })
    self.isStart = isStart
  }

  /// The id of the token called `name`.
  func id(_ name: String) -> Int32? { tokens.first { $0.name.utf8.elementsEqual(name.utf8) }?.id }

  /// Calls `piece` with each longest range of `bytes` that has no special token, and `token` with the id of each, in their order.
  func split(_ bytes: [UInt8], piece: (Range<Int>) -> Void, token: (Int32) -> Void) {
    var (start, position) = (0, 0)
    while !tokens.isEmpty, position < bytes.count {
      guard isStart[Int(bytes[position])], let match = trie.longestPrefix(of: bytes[position...]) else {
        position += 1
        continue
      }
      if start < position { piece(start..<position) }
      token(match.id)
      position += match.count
      start = position
    }
    if start < bytes.count { piece(start..<bytes.count) }
  }
}

/// Words by their bytes, for longest-prefix look-up. A step is one byte of UTF-8: Swift's own string equality would confuse words
/// that differ in their composition only.
package struct VocabularyTrie: Sendable {
  /// Node n has the children `firstChild[n]..<firstChild[n + 1]`, their bytes in rising order.
  private var firstChild: [Int32] = []
  private var bytes: [UInt8] = []
  /// The id of the word that ends at a node, or -1.
  private var ids: [Int32] = []

  /// A trie of `words`; of equal words the last one's id counts.
  package init(_ words: [(bytes: ArraySlice<UInt8>, id: Int32)]) {
    var sorted = words
    sorted.sort { $0.bytes.elementsEqual($1.bytes) ? $0.id < $1.id : $0.bytes.lexicographicallyPrecedes($1.bytes) }
    // Breadth first, so that the children of a node lie side by side. A node is a range of words that share their first bytes.
    var nodes: [(range: Range<Int>, depth: Int)] = [(sorted.indices, 0)]
    (bytes, ids) = ([0], [-1])
    var node = 0
    while node < nodes.count {
      var (range, depth) = nodes[node]
      while let index = range.first, sorted[index].bytes.count == depth {
        ids[node] = sorted[index].id
        range = index + 1..<range.upperBound
      }
      firstChild.append(Int32(nodes.count))
      while let index = range.first {
        let byte = Self.byte(sorted[index].bytes, depth)
        let end = range.first { Self.byte(sorted[$0].bytes, depth) != byte } ?? range.upperBound
        nodes.append((index..<end, depth + 1))
        bytes.append(byte)
        ids.append(-1)
        range = end..<range.upperBound
      }
      node += 1
    }
    firstChild.append(Int32(nodes.count))
  }

  private static func byte(_ word: ArraySlice<UInt8>, _ index: Int) -> UInt8 { word[word.startIndex + index] }

  /// The longest word, of at least one byte, at the start of `text`: its id and its length in bytes.
  package func longestPrefix(of text: ArraySlice<UInt8>) -> (id: Int32, count: Int)? { longest(text) }

  /// The same for bytes elsewhere in memory.
  func longestPrefix(of text: Slice<UnsafeBufferPointer<UInt8>>) -> (id: Int32, count: Int)? { longest(text) }

  private func longest(_ text: some Sequence<UInt8>) -> (id: Int32, count: Int)? {
    var best: (id: Int32, count: Int)?
    var node = 0
    var count = 0
    for byte in text {
      var (low, high) = (Int(firstChild[node]), Int(firstChild[node + 1]))
      while low < high {
        let middle = (low + high) / 2
        if bytes[middle] < byte { low = middle + 1 } else { high = middle }
      }
      guard low < firstChild[node + 1], bytes[low] == byte else { break }
      node = low
      count += 1
      if ids[node] >= 0 { best = (ids[node], count) }
    }
    return best
  }
}

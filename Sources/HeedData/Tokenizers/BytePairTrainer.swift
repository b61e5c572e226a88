internal import HeapModule
internal import HeedIR

/// Learns which pairs of tokens to merge: again and again the pair that stands side by side most often, and of equally frequent pairs
/// the one of the smallest ids.
///
/// Each merge touches only the places where its pair stands. A place is a token in one of the different words, which all lie side by
/// side; the tokens of a word are a linked list. For each pair there are its count and the places where it was seen, of which some
/// may be stale. So is what the heap holds: counts that may be too high, never too low.
package struct BytePairTrainer {
  /// The bytes of each token, by id.
  package private(set) var tokens: [[UInt8]] = ByteAlphabet.bytes.map { [$0] }
  /// The merges in the order in which they were learned.
  package private(set) var merges: [BytePair] = []

  /// The token at each place, or -1 where it was merged into the one before.
  private var symbols: [Int32] = []
  /// The places of the neighbours in the word, or -1.
  private var next: [Int32] = []
  private var previous: [Int32] = []
  /// The word of each place, and how often each word stands in the text.
  private var words: [Int32] = []
  private let weights: [Int]

  private struct Occurrences {
    var count = 0
    var places: [Int32] = []

    mutating func change(by weight: Int, at place: Int32) {
      count += weight
      if weight > 0 { places.append(place) }
    }
  }

  private struct Candidate: Comparable {
    let count: Int
    let pair: BytePair

    static func < (first: Candidate, second: Candidate) -> Bool {
      first.count == second.count ? second.pair < first.pair : first.count < second.count
    }
  }

  private var pairs: [BytePair: Occurrences] = [:]
  private var heap = Heap<Candidate>()
  private var ids: [[UInt8]: Int32] = [:]

  /// A trainer over these different words and how often each of them stands in the text.
  /// - Throws: `HeedError` where the words have too many bytes.
  package init(_ table: WordTable, counts: [Int]) throws {
    guard table.bytes.count < Int32.max else {
      throw HeedError("got \(table.bytes.count) bytes of different words to train a tokenizer on, expected fewer than \(Int32.max)")
    }
    weights = counts
    symbols = table.bytes.map { ByteAlphabet.ids[Int($0)] }
    for word in 0..<table.count {
      let range = table.range(word)
      for place in range {
        previous.append(place == range.lowerBound ? -1 : Int32(place - 1))
        next.append(place == range.upperBound - 1 ? -1 : Int32(place + 1))
        words.append(Int32(word))
      }
    }
    for (id, token) in tokens.enumerated() { ids[token] = Int32(id) }
    for place in symbols.indices { count(Int32(place), 1) }
    heap = Heap(pairs.map { Candidate(count: $1.count, pair: $0) })
  }

  /// Learns until there are `tokenCount` tokens, or no pair stands side by side at least `minimumCount` times.
  package mutating func train(tokenCount: Int, minimumCount: Int) {
    while tokens.count < tokenCount, let best = heap.popMax() {
      let count = pairs[best.pair]?.count ?? 0
      if count < best.count {
        if count >= minimumCount { heap.insert(Candidate(count: count, pair: best.pair)) }
      } else if count >= minimumCount {
        merge(best.pair)
      }
    }
  }

  /// Makes one token of each such pair, from left to right.
  private mutating func merge(_ pair: BytePair) {
    let bytes = tokens[Int(pair.left)] + tokens[Int(pair.right)]
    // No text is known in which a second pair spells the same token. It would have one id, as a name has in a file.
    let token = ids[bytes] ?? Int32(tokens.count)
    if token == tokens.count {
      tokens.append(bytes)
      ids[bytes] = token
    }
    merges.append(pair)
    var grown: Set<BytePair> = []
    for place in (pairs[pair]?.places ?? []).sorted() {
      let behind = next[Int(place)]
      guard symbols[Int(place)] == pair.left, behind >= 0, symbols[Int(behind)] == pair.right else { continue }
      let before = previous[Int(place)]
      for changed in [before, place, behind] { count(changed, -1) }
      symbols[Int(place)] = token
      symbols[Int(behind)] = -1
      let after = next[Int(behind)]
      next[Int(place)] = after
      if after >= 0 { previous[Int(after)] = place }
      for changed in [before, place] {
        if let pair = count(changed, 1) { grown.insert(pair) }
      }
    }
    pairs[pair] = nil
    for pair in grown {
      if let count = pairs[pair]?.count, count > 0 { heap.insert(Candidate(count: count, pair: pair)) }
    }
  }

  /// Counts the pair that begins at `place`, if there is one, up or down; returns it.
  @discardableResult
  private mutating func count(_ place: Int32, _ sign: Int) -> BytePair? {
    guard place >= 0, next[Int(place)] >= 0 else { return nil }
    let pair = BytePair(symbols[Int(place)], symbols[Int(next[Int(place)])])
    pairs[pair, default: Occurrences()].change(by: sign * weights[Int(words[Int(place)])], at: place)
    return pair
  }
}

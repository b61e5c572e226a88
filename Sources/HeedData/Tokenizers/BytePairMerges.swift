internal import HeapModule

/// Merges by their rank, and how they make tokens of a word.
struct BytePairMerges: Sendable {
  /// The place of each pair among the merges, and the token that it becomes.
  private let merges: [BytePair: (rank: Int32, token: Int32)]

  init(_ merges: [(pair: BytePair, token: Int32)]) {
    self.merges = Dictionary(
      merges.enumerated().map { ($1.pair, (Int32($0), $1.token)) }, uniquingKeysWith: { first, _ in first })
  }

  private struct Candidate: Comparable {
    let rank: Int32
    let place: Int32
    let pair: BytePair
    let token: Int32

    static func < (first: Candidate, second: Candidate) -> Bool {
      (first.rank, first.place) < (second.rank, second.place)
    }
  }

  /// Merges `symbols` in place: always the pair of the lowest rank, from left to right. The time is n log n.
  func apply(to symbols: inout [Int32]) {
    guard symbols.count > 1, !merges.isEmpty else { return }
    var heap = Heap<Candidate>()
    let count = Int32(symbols.count)
    var next = (1...count).map { $0 == count ? -1 : $0 }
    var previous = Array(-1..<count - 1)
    func consider(_ place: Int32, _ symbols: [Int32], _ next: [Int32], _ heap: inout Heap<Candidate>) {
      guard place >= 0, next[Int(place)] >= 0 else { return }
      let pair = BytePair(symbols[Int(place)], symbols[Int(next[Int(place)])])
      guard let merge = merges[pair] else { return }
      heap.insert(Candidate(rank: merge.rank, place: place, pair: pair, token: merge.token))
    }
    for place in 0..<count { consider(place, symbols, next, &heap) }
    while let best = heap.popMin() {
      let (place, behind) = (Int(best.place), next[Int(best.place)])
      guard symbols[place] == best.pair.left, behind >= 0, symbols[Int(behind)] == best.pair.right else { continue }
      symbols[place] = best.token
      symbols[Int(behind)] = -1
      let after = next[Int(behind)]
      next[place] = after
      if after >= 0 { previous[Int(after)] = best.place }
      consider(previous[place], symbols, next, &heap)
      consider(best.place, symbols, next, &heap)
    }
    symbols.removeAll { $0 < 0 }
  }
}

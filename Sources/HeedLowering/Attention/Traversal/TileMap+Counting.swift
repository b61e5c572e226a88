import HeedIR

extension TileMap {
  /// What is done with the tiles of a verdict and a level.
  package enum Verdict: Int, CaseIterable, Sendable { case empty, full, partial }

  /// The blocks of the kernel that a visit stands for: several where a run of keys is left out at once.
  package func tiles(of visit: Visit) -> Int { (visit.keys.count + keyBlock - 1) / keyBlock }

  package func tileCount(_ verdict: Verdict, by level: TraversalLevel? = nil) -> Int {
    visits.lazy.filter { $0.verdict == verdict && (level == nil || $0.settledBy == level) }.reduce(0) { $0 + tiles(of: $1) }
  }

  /// The keys that granules leave out of tiles that are attended to, in pairs.
  package var trimmedPairs: Int {
    visits.reduce(0) { $0 + ($1.isLive ? ($1.block.count - $1.keys.count) * $1.queries.count : 0) }
  }

  /// The pairs of the tiles that are attended to.
  package var attendedPairs: Int { visits.reduce(0) { $0 + ($1.isLive ? $1.queries.count * $1.keys.count : 0) } }

  /// The tiles in which each set of the mask's parts stayed open, the most frequent first.
  package var openClasses: [(parts: [Int], tiles: Int)] {
    var counts: [[Int]: Int] = [:]
    for visit in visits where visit.isPartial { counts[visit.open, default: 0] += 1 }
    return counts.map { (parts: $0.key, tiles: $0.value) }
      .sorted { ($1.tiles, $0.parts.count, $0.parts.first ?? 0) < ($0.tiles, $1.parts.count, $1.parts.first ?? 0) }
  }

  /// The pairs that live: those of full tiles, and of partial ones by the mask itself. Of more than `most` pairs of partial tiles
  /// every so-manyth is asked, and the answer is about right.
  /// - Throws: where the mask reads outside of a table.
  package func livePairs(asking most: Int = 1 << 20) throws -> (count: Int, isExact: Bool) {
    let partial = visits.filter(\.isPartial)
    let open = partial.reduce(0) { $0 + $1.queries.count * $1.keys.count }
    // Odd, so that it meets all columns of blocks whose widths are powers of two.
    let step = open <= most ? 1 : (open / most) | 1
    var (position, live) = (0, 0)
    for visit in partial {
      let pairs = visit.queries.count * visit.keys.count
      while position < pairs {
        let (row, column) = position.quotientAndRemainder(dividingBy: visit.keys.count)
        let indices = batch + [visit.queries.lowerBound + row, visit.keys.lowerBound + column]
        if try mask.condition.evaluate(indices.map { Literal($0) }, tables: tables, binding: binding)[0].integer != 0 { live += 1 }
        position += step
      }
      position -= pairs
    }
    let full = visits.reduce(0) { $0 + ($1.verdict == .full ? $1.queries.count * $1.keys.count : 0) }
    return (full + (step == 1 ? live : min(live * step, open)), step == 1)
  }

  /// The parts of the mask that a visit left open, as one condition: `j <= i and i - j < 256`.
  package func formula(ofOpen parts: [Int]) -> String {
    parts.isEmpty ? mask.condition.formula : parts.map { mask.conjuncts[$0].formula }.joined(separator: " and ")
  }
}

extension TileMap.Visit {
  package var verdict: TileMap.Verdict { !isLive ? .empty : isPartial ? .partial : .full }
}

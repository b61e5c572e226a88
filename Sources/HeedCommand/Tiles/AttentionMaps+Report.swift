import Heed
import HeedLowering

extension AttentionMaps {
  /// `all 8 heads`, `heads [0, 1] and 2 more`.
  func title(_ heads: Heads) -> String {
    guard dependsOnHead else { return headCount == 1 ? "one head" : "all \(headCount) heads" }
    let more = heads.batches.count - 1
    return "head \(heads.batches[0])" + (more > 0 ? " and \(more) like it" : "")
  }

  /// The maps in words.
  func report() throws -> [String] {
    var lines: [String] = []
    for heads in heads {
      let map = heads.map
      lines.append(
        "\nTiles of %\(name), \(title(heads)): \(map.queries) x \(map.keys) pairs in tiles of \(map.rowBlock) x \(map.keyBlock)"
      )
      lines += try describe(map).map { "  \($0)" }
    }
    if dependsOnHead && seen < headCount {
      lines.append("  of \(headCount) heads \(seen) were looked at")
    }
    return lines
  }

  /// What a map has, line by line.
  func describe(_ map: TileMap) throws -> [String] {
    let counts = TileMap.Verdict.allCases.map { "\(map.tileCount($0)) \($0)" }.joined(
      separator: ", ")
    let pairs = max(1, map.queries * map.keys)
    let live = try map.livePairs()
    func share(_ part: Int, _ whole: Int) -> String {
      "\(fixed(100 * Double(part) / Double(max(1, whole)), 2)) %"
    }
    let attended = map.attendedPairs
    var lines = [
      "tiles        \(counts)",
      "live pairs   \(live.isExact ? "" : "about ")\(share(live.count, pairs)); \(share(live.count, attended)) of the pairs attended to",
      "skipped      \(share(pairs - attended, pairs)): \(shownCount(Double(pairs - attended) * Double(flopsOfPair), unit: "FLOP")) per head",
    ]
    for verdict in TileMap.Verdict.allCases {
      let levels = TraversalLevel.allCases.map { ($0, map.tileCount(verdict, by: $0)) }.filter {
        $0.1 > 0
      }
      guard !levels.isEmpty else { continue }
      lines.append(
        padded("\(verdict)", 13) + levels.map { "\($0.1) by \($0.0.words)" }.joined(separator: ", ")
      )
    }
    for part in map.openClasses {
      lines.append(padded("open", 13) + "\(part.tiles) x \(map.formula(ofOpen: part.parts))")
    }
    let asked = TraversalLevel.allCases.compactMap { level in
      map.evaluations[level].map { "\($0) of \(level.asked)" }
    }
    lines.append(
      padded("evaluations", 13) + (asked.isEmpty ? "none" : asked.joined(separator: ", "))
        + ", per head")
    return lines
  }
}

extension TraversalLevel {
  /// What settled a tile.
  var words: String {
    switch self {
    case .range: "the range of keys"
    case .group: "the interval extension over many tiles"
    case .tile: "the interval extension"
    case .granules: "the interval extension over granules"
    case .pairs: "the mask on pairs"
    }
  }

  /// What was evaluated.
  fileprivate var asked: String {
    switch self {
    case .range: "ranges"
    case .group: "the interval extension over many tiles"
    case .tile: "the interval extension over tiles"
    case .granules: "the interval extension over granules"
    case .pairs: "the mask on pairs"
    }
  }
}

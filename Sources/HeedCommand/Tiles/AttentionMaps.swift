import Heed
import HeedInterpreter
import HeedLowering

/// The maps of one attention op: one for each mask that its heads have.
struct AttentionMaps {
  /// Heads with one mask.
  struct Heads {
    /// The batch indices of each.
    var batches: [[Int]]
    let map: TileMap
  }

  /// The most heads whose masks are looked at.
  static let mostHeads = 16

  let name: Name
  /// The distinct masks, by their first heads.
  private(set) var heads: [Heads] = []
  /// The number of all heads of all sequences.
  let headCount: Int
  /// Whether the mask depends on the batch indices.
  let dependsOnHead: Bool
  /// The heads that were looked at.
  private let seen: Int
  /// Operations on a pair: of its score and of its value.
  private let flopsOfPair: Int

  init(_ graph: Graph, _ node: NodeID, target: Target, arguments: KnownArguments) throws {
    let result = graph.results(node).first!
    name = graph.name(result)
    let binding = arguments.binding
    let shape = try graph.type(result).shape.evaluate { binding[$0] }
    let depth = try graph.type(graph.operands(node).first!).shape.evaluate { binding[$0] }.last!
    flopsOfPair = 2 * (depth + shape.last!)
    let batch = Array(shape.dropLast(2))
    headCount = batch.reduce(1, *)
    let condition = graph.region(node, "where")!
    let used = Set(condition.instructions.flatMap(\.operands) + condition.results)
    let dims = batch.indices.filter { used.contains(condition.parameter($0)) }
    dependsOnHead = !dims.isEmpty
    let tables = try Self.tables(graph, node, condition, arguments)
    let all = dims.reduce(1) { $0 * batch[$1] }
    seen = min(all, Self.mostHeads)
    for number in 0..<seen {
      var (indices, rest) = (Array(repeating: 0, count: batch.count), number)
      for dim in dims.reversed() { (rest, indices[dim]) = rest.quotientAndRemainder(dividingBy: batch[dim]) }
      let map = try TileMap(graph, node, target: target, binding: binding, batch: indices, tables: tables)
      if let same = heads.firstIndex(where: { $0.map.visits == map.visits }) {
        heads[same].batches.append(indices)
      } else {
        heads.append(Heads(batches: [indices], map: map))
      }
    }
  }

  /// The captured tensors; zeros for those that the mask does not read.
  private static func tables(
    _ graph: Graph, _ node: NodeID, _ condition: ScalarFunction, _ arguments: KnownArguments
  ) throws -> [ReferenceArray] {
    let captured = Array(graph.captured(node))
    var read = Set(
      condition.instructions.compactMap { if case .element(let table) = $0.operation { table } else { nil } })
    if let ragged = graph.attributes(node)[.ragged] { read.insert(ragged.number) }
    let order = read.sorted()
    let inputs = arguments.given.mapValues { ReferenceArray($0) }
    do {
      let values = try GraphInterpreter.values(
        order.map { captured[$0] }, of: graph, inputs: inputs, binding: arguments.binding)
      return captured.indices.map { table in
        order.firstIndex(of: table).map { values[$0] } ?? ReferenceArray(graph.type(captured[table]).element, [0])
      }
    } catch let error as HeedError {
      throw error.during("the mask of %\(graph.name(graph.results(node).first!))")
    }
  }

  /// How often the kernels evaluate the mask's interval extension, or the mask, in all heads.
  var evaluations: Double {
    Double(Self.sum(heads) { $0.map.evaluations.values.reduce(0, +) }) * Double(headCount) / Double(max(1, seen))
  }

  /// Operations on the pairs attended to, in all heads, about.
  var attendedFlops: Double {
    Double(Self.sum(heads) { $0.map.attendedPairs }) * Double(flopsOfPair) * Double(headCount) / Double(max(1, seen))
  }

  private static func sum(_ heads: [Heads], _ count: (Heads) -> Int) -> Int {
    heads.reduce(0) { $0 + count($1) * $1.batches.count }
  }

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
        "\nTiles of %\(name), \(title(heads)): \(map.queries) x \(map.keys) pairs in tiles of \(map.rowBlock) x \(map.keyBlock)")
      lines += try describe(map).map { "  \($0)" }
    }
    if dependsOnHead && seen < headCount { lines.append("  of \(headCount) heads \(seen) were looked at") }
    return lines
  }

  /// What a map has, line by line.
  func describe(_ map: TileMap) throws -> [String] {
    let counts = TileMap.Verdict.allCases.map { "\(map.tileCount($0)) \($0)" }.joined(separator: ", ")
    let pairs = max(1, map.queries * map.keys)
    let live = try map.livePairs()
    func share(_ part: Int, _ whole: Int) -> String { "\(fixed(100 * Double(part) / Double(max(1, whole)), 2)) %" }
    let attended = map.attendedPairs
    var lines = [
      "tiles        \(counts)",
      "live pairs   \(live.isExact ? "" : "about ")\(share(live.count, pairs)); \(share(live.count, attended)) of the pairs attended to",
      "skipped      \(share(pairs - attended, pairs)): \(shownCount(Double(pairs - attended) * Double(flopsOfPair), unit: "FLOP")) per head",
    ]
    for verdict in TileMap.Verdict.allCases {
      let levels = TraversalLevel.allCases.map { ($0, map.tileCount(verdict, by: $0)) }.filter { $0.1 > 0 }
      guard !levels.isEmpty else { continue }
      lines.append(padded("\(verdict)", 13) + levels.map { "\($0.1) by \($0.0.words)" }.joined(separator: ", "))
    }
    for part in map.openClasses {
      lines.append(padded("open", 13) + "\(part.tiles) x \(map.formula(ofOpen: part.parts))")
    }
    let asked = TraversalLevel.allCases.compactMap { level in map.evaluations[level].map { "\($0) of \(level.asked)" } }
    lines.append(padded("evaluations", 13) + (asked.isEmpty ? "none" : asked.joined(separator: ", ")) + ", per head")
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

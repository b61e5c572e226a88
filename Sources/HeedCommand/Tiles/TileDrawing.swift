import Heed
import HeedLowering

/// Maps of tiles as one picture: queries downwards, keys to the right, each tile of the kernel a rectangle.
struct TileDrawing {
  private let maps: [AttentionMaps]
  private let heading: String

  /// The most maps of an op that are drawn, and the most blocks of rows of one.
  static let mostMaps = 6
  static let mostBlocks = 256

  private static let (left, gap, side, width) = (56.0, 44.0, 420.0, 1080.0)
  private static let lineHeight = 17.0
  /// What decided that a tile is empty, from the cheapest test to the most expensive.
  private static let emptyColors: [TraversalLevel: String] = [
    .range: "#f1f2f6", .group: "#dcdfeb", .tile: "#c3c9df", .granules: "#a4adcf", .pairs: "#7f8bbd",
  ]
  private static let fullColor = "#2f7d5b"
  /// Partial tiles, by the class of what stayed open.
  private static let partialColors = ["#f0a63c", "#d9603b", "#b2428a", "#8a6fd1", "#c9b037", "#6f4e37"]

  init(_ maps: [AttentionMaps], graph: Name, sizes: String) {
    self.maps = maps
    heading = "@\(graph)" + (sizes.isEmpty ? "" : " for \(sizes)")
  }

  /// The picture's text.
  /// - Throws: where a mask reads outside of a table.
  var svg: String {
    get throws {
      let panels = maps.flatMap { op in op.heads.prefix(Self.mostMaps).map { (op, $0) } }
      let heights = try panels.map { op, heads in
        max(Self.height(heads.map) + 40, Double(try Self.notes(op, heads).count + 2) * Self.lineHeight + Self.gap)
      }
      var drawing = SVGDrawing(width: Self.width, height: 40 + heights.reduce(0) { $0 + $1 + Self.gap })
      drawing.text(heading, Self.left, 28, size: 16, bold: true)
      var top = 72.0
      for ((op, heads), height) in zip(panels, heights) {
        try draw(op, heads, top: top, &drawing)
        top += height + Self.gap
      }
      return drawing.text
    }
  }

  /// The rows and keys that are drawn.
  private static func extent(_ map: TileMap) -> (queries: Int, keys: Int) {
    let queries = min(map.queries, mostBlocks * map.rowBlock)
    guard queries < map.queries else { return (queries, map.keys) }
    // The keys that these rows see.
    let seen = map.visits.lazy.filter { $0.isLive && $0.queries.lowerBound < queries }.map(\.keys.upperBound).max() ?? map.keys
    return (queries, max(1, min(map.keys, max(seen, queries))))
  }

  private static func scale(_ map: TileMap) -> Double {
    let (queries, keys) = extent(map)
    return side / Double(max(queries, keys, 1))
  }

  private static func height(_ map: TileMap) -> Double { max(24, Double(extent(map).queries) * scale(map)) }

  /// The text next to a map.
  private static func notes(_ op: AttentionMaps, _ heads: AttentionMaps.Heads) throws -> [(text: String, color: String?)] {
    let map = heads.map
    var notes: [(text: String, color: String?)] = []
    for level in TraversalLevel.allCases where map.tileCount(.empty, by: level) > 0 {
      notes.append(("\(map.tileCount(.empty, by: level)) empty, by \(level.words)", emptyColors[level]!))
    }
    if map.trimmedPairs > 0, map.tileCount(.empty, by: .granules) == 0 {
      notes.append(("keys left out of tiles by granules", emptyColors[.granules]!))
    }
    if map.tileCount(.full) > 0 { notes.append(("\(map.tileCount(.full)) full: no mask", fullColor)) }
    for (number, part) in map.openClasses.enumerated() {
      notes.append(("\(part.tiles) partial, open: \(shortened(map.formula(ofOpen: part.parts)))", color(number)))
    }
    // The first line counts the tiles, which the legend does too.
    return notes + [("", nil)]
      + (try op.describe(map)).filter { $0.hasPrefix("live") || $0.hasPrefix("skipped") }
      .map { (shortened($0), nil) }
  }

  private static func shortened(_ text: String) -> String { text.count <= 76 ? text : text.prefix(74) + " ..." }

  private static func color(_ openClass: Int) -> String { partialColors[min(openClass, partialColors.count - 1)] }

  private func draw(_ op: AttentionMaps, _ heads: AttentionMaps.Heads, top: Double, _ drawing: inout SVGDrawing) throws {
    let (map, scale) = (heads.map, Self.scale(heads.map))
    let (queries, keys) = Self.extent(map)
    let (left, height) = (Self.left, Self.height(map))
    let vertical = height / Double(max(queries, 1))
    drawing.text(
      "%\(op.name), \(op.title(heads)): tiles of \(map.rowBlock) x \(map.keyBlock)", left, top - 18, size: 13, bold: true)
    drawing.rectangle(
      left, top, width: Double(keys) * scale, height: height, color: Self.emptyColors[map.isRagged ? .range : .granules]!)
    let classes = Dictionary(uniqueKeysWithValues: map.openClasses.enumerated().map { ($1.parts, $0) })
    let hasBorders = Double(map.rowBlock) * vertical >= 5
    for visit in map.visits where visit.queries.lowerBound < queries && visit.keys.lowerBound < keys && !visit.keys.isEmpty {
      let color =
        switch visit.verdict {
        case .empty: Self.emptyColors[visit.settledBy]!
        case .full: Self.fullColor
        case .partial: Self.color(classes[visit.open]!)
        }
      let shown = visit.keys.clamped(to: 0..<keys)
      drawing.rectangle(
        left + Double(shown.lowerBound) * scale, top + Double(visit.queries.lowerBound) * vertical,
        width: Double(shown.count) * scale, height: Double(visit.queries.count) * vertical, color: color,
        border: hasBorders ? "white" : nil)
    }
    drawing.text("keys 0 to \(keys - 1)", left, top - 4, size: 11, color: "#666")
    drawing.text("queries", left - 8, top + 12, size: 11, color: "#666", anchor: .end)
    if queries < map.queries {
      drawing.text(
        "the first \(Self.mostBlocks) of \((map.queries + map.rowBlock - 1) / map.rowBlock) blocks of rows", left,
        top + height + 14, size: 11, color: "#666")
    }
    let x = left + Self.side + 28
    for (number, note) in try Self.notes(op, heads).enumerated() {
      let y = top + 10 + Double(number) * Self.lineHeight
      if let color = note.color { drawing.rectangle(x, y - 10, width: 12, height: 12, color: color, border: "#888") }
      drawing.text(note.text, x + (note.color == nil ? 0 : 20), y, size: 12)
    }
  }
}

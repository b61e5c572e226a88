import Heed

extension Gallery {
  /// Whether a key lies in the run of `count` places around the query that is moved into `0 ..< length`.
  private static func isNear(_ query: Int, _ key: Int, _ count: Int, in length: Int) -> Bool {
    var first = query - count / 2
    while first + count > length { first -= 1 }
    while first < 0 { first += 1 }
    return (first..<(first + count)).contains(key)
  }

  /// A mask over positions of a grid: `places` lists the row and column of each position.
  private static func grid(
    _ name: String, _ rows: Int, _ columns: Int, kernel: (rows: Int, columns: Int), places: [(row: Int, column: Int)],
    _ mask: @escaping @Sendable () -> Mask
  ) -> GalleryEntry {
    GalleryEntry(
      name: "\(name) \(rows)x\(columns)", kind: .indices, queries: Extent(rows * columns), keys: Extent(rows * columns),
      sizes: [[:]],
      mask: { _ in mask() },
      live: { _ in
        { pair in
          let (query, key) = (places[pair.query], places[pair.key])
          return isNear(query.row, key.row, kernel.rows, in: rows) && isNear(query.column, key.column, kernel.columns, in: columns)
        }
      })
  }

  /// Places tile by tile.
  private static func tiled(_ rows: Int, _ columns: Int, _ tile: (rows: Int, columns: Int)) -> [(row: Int, column: Int)] {
    var places: [(row: Int, column: Int)] = []
    for top in stride(from: 0, to: rows, by: tile.rows) {
      for left in stride(from: 0, to: columns, by: tile.columns) {
        for row in top..<(top + tile.rows) { for column in left..<(left + tile.columns) { places.append((row, column)) } }
      }
    }
    return places
  }

  /// Places along a Z-order curve: quarter by quarter.
  private static func zOrder(_ side: Int) -> [(row: Int, column: Int)] {
    if side == 1 { return [(0, 0)] }
    let quarter = zOrder(side / 2)
    return [(0, 0), (0, 1), (1, 0), (1, 1)].flatMap { top, left in
      quarter.map { (top * side / 2 + $0.row, left * side / 2 + $0.column) }
    }
  }

  static func gridMasks(_ unit: Int) -> [GalleryEntry] {
    let isSmall = unit == 1
    let kernel = isSmall ? (rows: 3, columns: 5) : (rows: 7, columns: 9)
    let tile = isSmall ? (rows: 2, columns: 3) : (rows: 8, columns: 8)
    let tiledGrids = isSmall ? [(8, 15), (6, 6)] : [(32, 40), (24, 48)]
    let sides = isSmall ? [4, 8, 16] : [32]
    // Not read: its extents give the symbols.
    let image = GalleryEntry.Table(name: "image", element: .bool, shape: ["R", "C"]) { sample, _ in
      Array(repeating: 0, count: sample["R"] * sample["C"])
    }
    let symbolic = GalleryEntry(
      name: "neighbourhood", kind: .indices, queries: "R*C", keys: "R*C",
      sizes: isSmall ? [["R": 7, "C": 9], ["R": 3, "C": 5], ["R": 11, "C": 10]] : [["R": 37, "C": 29], ["R": 20, "C": 51]],
      tables: [image],
      mask: { _ in .neighbourhood(grid: ("R", "C"), kernel: kernel) },
      live: { sample in
        let (rows, columns) = (sample["R"], sample["C"])
        return { pair in
          isNear(pair.query / columns, pair.key / columns, kernel.rows, in: rows)
            && isNear(pair.query % columns, pair.key % columns, kernel.columns, in: columns)
        }
      })
    let standAlone = GalleryEntry(
      name: "stand-alone self-attention", kind: .indices, queries: "R*C", keys: "R*C",
      sizes: isSmall ? [["R": 7, "C": 9], ["R": 1, "C": 5], ["R": 11, "C": 10]] : [["R": 37, "C": 29], ["R": 20, "C": 51]],
      tables: [image],
      mask: { _ in .standAlone(columns: "C", radius: 2) },
      live: { sample in
        let columns = sample["C"]
        return { pair in
          let (query, key) = (
            pair.query.quotientAndRemainder(dividingBy: columns), pair.key.quotientAndRemainder(dividingBy: columns)
          )
          return max(abs(query.quotient - key.quotient), abs(query.remainder - key.remainder)) < 3
        }
      })
    func rowByRow(_ rows: Int, _ columns: Int) -> [(row: Int, column: Int)] { tiled(rows, columns, (1, columns)) }
    let even = isSmall ? (rows: 4, columns: 2) : (rows: 6, columns: 10)
    let size = isSmall ? (rows: 9, columns: 8) : (rows: 30, columns: 35)
    return [symbolic, standAlone]
      + [
        grid("neighbourhood, even kernel", size.rows, size.columns, kernel: even, places: rowByRow(size.rows, size.columns)) {
          .neighbourhood(grid: (Extent(size.rows), Extent(size.columns)), kernel: even)
        }
      ]
      + tiledGrids.map { rows, columns in
        grid("tiled neighbourhood", rows, columns, kernel: kernel, places: tiled(rows, columns, tile)) {
          .tiledNeighbourhood(grid: (rows, columns), kernel: kernel, tile: tile)
        }
      }
      + sides.map { side in
        let kernel = (rows: 3, columns: 3)
        return grid("Morton neighbourhood", side, side, kernel: kernel, places: zOrder(side)) {
          .mortonNeighbourhood(side: Extent(side), kernel: kernel)
        }
      }
      + [
        slidingTile([8, 12], [4, 9], [2, 3], text: 0, unit), slidingTile([8, 12], [6, 6], [2, 3], text: 7, unit),
        slidingTile([4, 6, 4], [2, 6, 2], [2, 3, 2], text: 0, unit), slidingTile([4, 6, 4], [4, 3, 2], [2, 3, 2], text: 5, unit),
      ]
  }

  /// Sliding tiles over a grid of two or three dimensions, which is `unit / 4` times as long; the frames are not.
  private static func slidingTile(_ grid: [Int], _ kernel: [Int], _ tile: [Int], text: Int, _ unit: Int) -> GalleryEntry {
    let times = grid.indices.map { unit > 1 && ($0 > 0 || grid.count == 2) ? unit / 4 : 1 }
    let scaled = [grid, kernel, tile].map { zip($0, times).map { $0 * $1 } }
    let (grid, kernel, tile) = (scaled[0], scaled[1], scaled[2])
    let image = grid.reduce(1, *)
    /// The place of each position's tile among the tiles.
    let places: [[Int]] = (0..<image).map { position in
      var number = position / tile.reduce(1, *)
      var place: [Int] = []
      for dimension in grid.indices.reversed() {
        place.insert(number % (grid[dimension] / tile[dimension]), at: 0)
        number /= grid[dimension] / tile[dimension]
      }
      return place
    }
    return GalleryEntry(
      name: "sliding tile \(grid.map(String.init).joined(separator: "x"))\(text > 0 ? " and text" : "")", kind: .indices,
      queries: Extent(image + text), keys: Extent(image + text), sizes: [[:]],
      mask: { _ in
        grid.count == 2
          ? .slidingTile(grid: (grid[0], grid[1]), kernel: (kernel[0], kernel[1]), tile: (tile[0], tile[1]), textLength: text)
          : .slidingTile(
            grid: (grid[0], grid[1], grid[2]), kernel: (kernel[0], kernel[1], kernel[2]), tile: (tile[0], tile[1], tile[2]),
            textLength: text)
      },
      live: { _ in
        { pair in
          if pair.query >= image || pair.key >= image { return true }
          return grid.indices.allSatisfy { dimension in
            isNear(
              places[pair.query][dimension], places[pair.key][dimension], kernel[dimension] / tile[dimension],
              in: grid[dimension] / tile[dimension])
          }
        }
      })
  }
}

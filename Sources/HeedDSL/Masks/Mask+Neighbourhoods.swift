public import HeedIR

/// A place on a grid of two dimensions.
struct GridPlace {
  var row: Tensor
  var column: Tensor
}

extension Mask {
  /// The `kernel` of keys around each query of a grid that is stored row by row. At the border the kernel is moved inside, so that
  /// all queries have the same number of keys. Of an even kernel, one key more is before the query than after it.
  ///
  /// Source: Hassani et al., "Neighborhood attention transformer", 2023 (NATTEN).
  ///
  /// - Parameters:
  ///   - grid: rows and columns of the grid: numbers or symbols, at least those of the kernel.
  ///   - kernel: rows and columns of the kernel.
  public static func neighbourhood(grid: (rows: Extent, columns: Extent), kernel: (rows: Int, columns: Int)) -> Mask {
    neighbourhood(grid, kernel) { position, g in
      let columns = g.size(grid.columns)
      return GridPlace(row: position / columns, column: position % columns)
    }
  }

  /// The same over a grid that is stored in tiles: tile by tile in rows of tiles, each row by row. Near positions are then near in
  /// memory, and more tiles of the scores are empty. The grid is a multiple of the tile.
  ///
  /// Source: attention-gym, `generate_tiled_natten`.
  public static func tiledNeighbourhood(
    grid: (rows: Int, columns: Int), kernel: (rows: Int, columns: Int), tile: (rows: Int, columns: Int)
  ) -> Mask {
    neighbourhood((Extent(grid.rows), Extent(grid.columns)), kernel) { position, g in
      guard expectMultiples("tiledNeighbourhood", [grid.rows, grid.columns], of: [tile.rows, tile.columns], g) else {
        return GridPlace(row: position, column: position)
      }
      let (number, inside) = (position / (tile.rows * tile.columns), position % (tile.rows * tile.columns))
      let tilesInRow = Swift.max(grid.columns / Swift.max(tile.columns, 1), 1)
      return GridPlace(
        row: number / tilesInRow * tile.rows + inside / tile.columns,
        column: number % tilesInRow * tile.columns + inside % tile.columns)
    }
  }

  /// The same over a grid that is stored along a Z-order curve: even bits of a position are the column, odd bits the row. The grid is a
  /// square whose side is a power of two, of at most 2^15.
  ///
  /// Source: attention-gym, `generate_morton_natten`.
  public static func mortonNeighbourhood(side: Extent, kernel: (rows: Int, columns: Int)) -> Mask {
    neighbourhood((side, side), kernel) { position, _ in
      GridPlace(row: evenBits(position >> 1), column: evenBits(position))
    }
  }

  /// The keys within a square of `2 * radius + 1` around each query of a grid stored row by row; at the border there are fewer.
  ///
  /// Source: Ramachandran et al., "Stand-alone self-attention in vision models", 2019.
  public static func standAlone(columns: Extent, radius: Int) -> Mask {
    Mask { pair in
      let columns = pair.builder.size(columns)
      return (abs(pair.query / columns - pair.key / columns) <= radius) & (abs(pair.query % columns - pair.key % columns) <= radius)
    }
  }

  /// Every second block of a grid of blocks of queries and keys, like the squares of a chessboard; the first is live.
  public static func checkerboard(blockSize: Int = 1) -> Mask {
    Mask { ($0.query / blockSize + $0.key / blockSize) % 2 == 0 }
  }

  private static func neighbourhood(
    _ grid: (rows: Extent, columns: Extent), _ kernel: (rows: Int, columns: Int),
    _ place: @escaping (_ position: Tensor, GraphBuilder) -> GridPlace
  ) -> Mask {
    Mask { pair in
      let g = pair.builder
      let (query, key) = (place(pair.query, g), place(pair.key, g))
      return isNear(query.row, key.row, kernel.rows, in: grid.rows)
        & isNear(query.column, key.column, kernel.columns, in: grid.columns)
    }
  }

  /// Whether the key is in the range of `count` places around the query, moved into `0 ..< length`.
  private static func isNear(_ query: Tensor, _ key: Tensor, _ count: Int, in length: Extent) -> Tensor {
    let first = maximum(minimum(query - count / 2, query.builder.size(length - Extent(count))), 0)
    return (key >= first) & (key < first + count)
  }

  /// Bits 0, 2, 4, ... 30 of a number as a number of 16 bits.
  private static func evenBits(_ number: Tensor) -> Tensor {
    var bits = number & 0x5555_5555
    for (shift, mask) in [(1, 0x3333_3333), (2, 0x0f0f_0f0f), (4, 0x00ff_00ff), (8, 0x0000_ffff)] {
      bits = (bits | (bits >> shift)) & mask
    }
    return bits
  }
}

/// Whether sizes are multiples of their tiles and small enough to be counted in i32; records where one is not.
func expectMultiples(_ name: String, _ sizes: [Int], of tiles: [Int], _ g: GraphBuilder) -> Bool {
  let got = "\(name): got the sizes \(sizes) and the tile \(tiles), expected"
  return zip(sizes, tiles).allSatisfy { size, tile in
    g.expect((0...Int(Int32.max)).contains(size) && tile >= 1, "\(got) numbers from 1 to 2^31 - 1", nil)
      && g.expect(size % tile == 0, "\(got) multiples: \(size) is none of \(tile)", nil)
  }
}

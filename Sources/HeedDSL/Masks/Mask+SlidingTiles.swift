import HeedIR

extension Mask {
  /// Sliding tiles over an image: positions are stored tile by tile in rows of tiles, and each tile sees the `kernel` of tiles around it,
  /// moved inside at the border. After the image come `textLength` positions of text, which see all and are seen by all.
  ///
  /// Source: Zhang et al., "Fast video generation with sliding tile attention", 2025; attention-gym, `sta`.
  ///
  /// - Parameters:
  ///   - grid: rows and columns of the image, multiples of the tile.
  ///   - kernel: rows and columns of what a tile sees, in positions, multiples of the tile.
  ///   - tile: rows and columns of a tile.
  public static func slidingTile(
    grid: (rows: Int, columns: Int), kernel: (rows: Int, columns: Int), tile: (rows: Int, columns: Int), textLength: Int = 0
  ) -> Mask {
    slidingTile([grid.rows, grid.columns], [kernel.rows, kernel.columns], [tile.rows, tile.columns], textLength)
  }

  /// The same over a video: frames, rows and columns.
  public static func slidingTile(
    grid: (frames: Int, rows: Int, columns: Int), kernel: (frames: Int, rows: Int, columns: Int),
    tile: (frames: Int, rows: Int, columns: Int), textLength: Int = 0
  ) -> Mask {
    slidingTile(
      [grid.frames, grid.rows, grid.columns], [kernel.frames, kernel.rows, kernel.columns], [tile.frames, tile.rows, tile.columns],
      textLength)
  }

  private static func slidingTile(_ grid: [Int], _ kernel: [Int], _ tile: [Int], _ textLength: Int) -> Mask {
    Mask { pair in
      guard expectMultiples("slidingTile", grid + kernel, of: tile + tile, pair.builder) else {
        return pair.builder.poison(TensorType(.bool, .scalar))
      }
      let (counts, reach) = (zip(grid, tile).map { $0 / $1 }, zip(kernel, tile).map { $0 / $1 })
      let (size, length) = (tile.reduce(1) { $0.saturatingProduct($1) }, grid.reduce(1) { $0.saturatingProduct($1) })
      var (query, key) = (pair.query / size, pair.key / size)
      var isNear = pair.builder.constant(true, .bool)
      for (count, reach) in zip(counts, reach).reversed() {
        // Of an even number of tiles, one more is before than after.
        let (before, behind) = (reach / 2, reach - 1 - reach / 2)
        let centre = maximum(minimum(query % count, count - 1 - behind), before)
        isNear = isNear & (key % count >= centre - before) & (key % count <= centre + behind)
        (query, key) = (query / count, key / count)
      }
      let (queryIsImage, keyIsImage) = (pair.query < length, pair.key < length)
      return (queryIsImage & keyIsImage & isNear)
        | ((pair.key < length.saturatingSum(textLength)) & !(queryIsImage & keyIsImage))
    }
  }
}

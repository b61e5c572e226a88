import HeedIR

/// The most rows and columns of a grid whose places are counted in i32.
let mostRows = 1 << 15

extension Score {
  /// The bias of T5: learned for each head and bucket of relative positions.
  ///
  /// Source: Raffel et al., "Exploring the limits of transfer learning", 2020.
  public static func relativePositions(_ bias: RelativePositionBias) -> Score {
    Score { score, pair in score + pair.perHead(bias(score)) }
  }

  /// A learned bias for each head and relative position, key minus query, which is held within the table.
  ///
  /// Source: Shaw, Uszkoreit, Vaswani, "Self-attention with relative position representations", 2018, as biases.
  ///
  /// - Parameter table: floats `[heads, 2 * reach + 1]`, the relative position 0 in the middle.
  public static func relativeTable(_ table: Tensor) -> Score {
    Score { score, pair in
      let reach = pair.builder.size((table.extent(-1) - 1).dividedRoundingUp(by: 2))
      let place = maximum(minimum(pair.key - pair.query, reach), -reach) + reach
      return score + pair.perHead(table.gather(place, dimension: -1))
    }
  }

  /// A learned bias for each head and relative place on a grid stored row by row.
  ///
  /// Source: Liu et al., "Swin transformer", 2021.
  ///
  /// - Parameter table: floats `[heads, (2 * rows - 1) * (2 * columns - 1)]`, places row by row from the most negative on.
  public static func relativeGridTable(_ table: Tensor, grid: (rows: Int, columns: Int)) -> Score {
    Score { score, pair in
      let (rows, columns) = (grid.rows, grid.columns)
      guard (1...mostRows).contains(rows), (1...mostRows).contains(columns) else {
        return pair.builder.fail(
          "relativeGridTable: got the grid \(rows) x \(columns), expected numbers from 1 to \(mostRows)", nil, guess: score.type)
      }
      let row = pair.query / columns - pair.key / columns + (rows - 1)
      let column = pair.query % columns - pair.key % columns + (columns - 1)
      return score + pair.perHead(table.gather(row * (2 * columns - 1) + column, dimension: -1))
    }
  }
}

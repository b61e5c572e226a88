import Heed

/// A Swin block with shifted windows of 4 x 4: the image is rolled by half a window, and what the roll joined does not see each other.
/// Scores have a bias per relative place. Liu et al., "Swin transformer", 2021.
let swinBlock = Graph("swin_block") { g in
  let x = g.input("x", .f32, ["4*R", "4*C", 16])
  func windows(_ image: Tensor) -> Tensor {
    image.roll(-2, dimension: 0).roll(-2, dimension: 1).reshape(["R", 4, "C", 4, -1]).transposed(0, 2, 1, 3, 4)
      .reshape(["R*C", 16, -1])
  }
  func image(_ windows: Tensor) -> Tensor {
    windows.reshape(["R", "C", 4, 4, 16]).transposed(0, 2, 1, 3, 4).reshape(["4*R", "4*C", 16])
      .roll(2, dimension: 0).roll(2, dimension: 1)
  }
  // Which rows and columns the roll moves to the other side.
  let (row, column) = (x.index(0)[.rest, ..<1], x.index(1)[.rest, ..<1])
  let moved = windows((row < 2).cast(to: .i32) + (column < 2).cast(to: .i32) * 2).squeezingDimension(-1)

  let attention = MultiHeadAttention("attention", in: g, size: 16, headCount: 2)
  let table = g.parameter("relative", .f32, [2, 49])
  let rows = windows(LayerNorm("norm1", in: g, size: 16)(x))
  let h = x + image(attention(rows, mask: .documents(ids: moved), scores: .relativeGridTable(table, grid: (4, 4))))
  return h + FeedForward("mlp", in: g, size: 16, hiddenSize: 32)(LayerNorm("norm2", in: g, size: 16)(h))
}

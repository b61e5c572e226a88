let swinBlockExample = Example(
  "Swin block, shifted windows", swinBlock, at: .init(["R": 1, "C": 1]), .init(["R": 1, "C": 3]), .init(["R": 3, "C": 2])
) { n in
  let (rowCount, columnCount, table) = (4 * n.size("R"), 4 * n.size("C"), n.rows("relative"))
  let x = n.matrices("x")
  var h = x
  for windowRow in 0..<n.size("R") {
    for windowColumn in 0..<n.size("C") {
      // The places of a window in the image that was not rolled.
      let places = (0..<16).map { place in
        (
          row: (4 * windowRow + place / 4 + 2) % rowCount, column: (4 * windowColumn + place % 4 + 2) % columnCount
        )
      }
      let rows = n.layerNorm("norm1", places.map { x[$0.row][$0.column] })
      let attended = n.multiHead("attention", rows, rows, heads: 2) { head, i, j, score in
        // A window that the roll joined has places from both ends of the image.
        guard abs(places[i].row - places[j].row) < 4, abs(places[i].column - places[j].column) < 4,
          (places[i].row < 2) == (places[j].row < 2), (places[i].column < 2) == (places[j].column < 2)
        else { return -.infinity }
        return score + table[head][(i / 4 - j / 4 + 3) * 7 + i % 4 - j % 4 + 3]
      }
      for (place, row) in zip(places, attended) {
        for d in 0..<16 { h[place.row][place.column][d] += row[d] }
      }
    }
  }
  return [h.flatMap { flat(added($0, n.feedForward("mlp", n.layerNorm("norm2", $0), gelu))) }]
}

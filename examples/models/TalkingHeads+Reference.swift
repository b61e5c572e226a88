let talkingHeadsExample = Example(
  "Talking heads", talkingHeads, at: .init(["S": 1]), .init(["S": 7]), .init(["S": 12])
) { n in
  let x = n.rows("x")
  let (q, k, v) = (parts(n.linear("query", x), 4), parts(n.linear("key", x), 4), parts(n.linear("value", x), 4))
  func mixed(_ heads: [Rows], _ name: String) -> [Rows] {
    n.rows(name).map { factors in
      x.indices.map { i in x.indices.map { j in (0..<4).reduce(0.0) { $0 + factors[$1] * heads[$1][i][j] } } }
    }
  }
  let scores = mixed((0..<4).map { products(q[$0], k[$0]) }, "before")
  let weights = mixed(scores.map { $0.map { softmax($0) } }, "after")
  return [flat(n.linear("output", joined((0..<4).map { weighted(weights[$0], v[$0], width: 8) })))]
}

let talkingHeadsExample = Example(
  "Talking heads", talkingHeads, at: .init(["S": 1]), .init(["S": 7]), .init(["S": 12])
) { n in
  let x = n.rows("x")
  let (q, k, v) = (parts(n.linear("query", x), 4), parts(n.linear("key", x), 4), parts(n.linear("value", x), 4))
  func mixed(_ heads: [Rows], _ name: String) -> [Rows] {
    n.rows(name).map { factors in
      var sum = Rows(repeating: [Double](repeating: 0, count: x.count), count: x.count)
      for h in 0..<4 {
        for i in x.indices { for j in x.indices { sum[i][j] += factors[h] * heads[h][i][j] } }
      }
      return sum
    }
  }
  let scores = mixed((0..<4).map { products(q[$0], k[$0]) }, "before")
  let weights = mixed(scores.map { $0.map { softmax($0) } }, "after")
  return [flat(n.linear("output", joined((0..<4).map { weighted(weights[$0], v[$0], width: 8) })))]
}

let relativeKeysExample = Example(
  "Relative keys (BERT)", relativeKeys, at: .init(["S": 1]), .init(["S": 7]), .init(["S": 32])
) { n in
  let (x, distances) = (n.rows("x"), n.rows("distance.weight"))
  let (q, k, v) = (parts(n.linear("query", x), 4), parts(n.linear("key", x), 4), parts(n.linear("value", x), 4))
  let heads = (0..<4).map { h in
    attend(q[h], k[h], v[h]) { i, j, score in score + dot(q[h][i], distances[i - j + 31]) / 8.0.squareRoot() }
  }
  return [flat(joined(heads))]
}

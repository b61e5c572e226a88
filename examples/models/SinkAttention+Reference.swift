let sinkAttentionExample = Example(
  "Sinks and a window (gpt-oss)", sinkAttention, at: .init(["S": 1]), .init(["S": 7]), .init(["S": 40])
) { n in
  let (x, sinks) = (n.rows("x"), n.list("sinks"))
  let q = parts(n.linear("query", x), 4).map { rotated($0, from: 0) }
  let k = parts(n.linear("key", x), 2).map { rotated($0, from: 0) }
  let v = parts(n.linear("value", x), 2)
  let heads = (0..<4).map { h in
    let weights = products(q[h], k[h / 2]).enumerated().map { i, row in
      let live = row.enumerated().map { j, score in j <= i && i - j < 4 ? score : -.infinity }
      return Array(softmax(live + [sinks[h]]).dropLast())
    }
    return weighted(weights, v[h / 2], width: 8)
  }
  return [flat(n.linear("output", joined(heads)))]
}

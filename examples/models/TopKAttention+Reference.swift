let topKAttentionExample = Example(
  "Top-k attention", topKAttention,
  at: .init(["B": 1, "M": 1, "N": 4]), .init(["B": 2, "M": 5, "N": 9]), .init(["B": 1, "M": 3, "N": 40])
) { n in
  let (q, k, v) = (n.heads("q"), n.heads("k"), n.heads("v"))
  var result: [Double] = []
  for b in q.indices {
    for h in 0..<2 {
      let thresholds = products(q[b][h], k[b][h]).map { $0.sorted(by: >)[3] }
      result += flat(attend(q[b][h], k[b][h], v[b][h]) { i, _, score in score >= thresholds[i] ? score : -.infinity })
    }
  }
  return [result]
}

let blockChoiceExample = Example(
  "Block choice (MoBA)", blockChoice, at: .init(["B": 1, "M": 2]), .init(["B": 2, "M": 5]), .init(["B": 1, "M": 9])
) { n in
  let (q, k, v) = (n.heads("q"), n.heads("k"), n.heads("v"))
  var result: [Double] = []
  for b in q.indices {
    for h in 0..<2 {
      var means = Rows(repeating: [Double](repeating: 0, count: 8), count: n.size("M"))
      for (j, key) in k[b][h].enumerated() {
        for d in 0..<8 { means[j / 4][d] += key[d] / 4 }
      }
      let chosen = q[b][h].enumerated().map { i, query in
        let earlier = (0..<(i / 4)).sorted { dot(query, means[$0]) > dot(query, means[$1]) }
        return Set(earlier.prefix(2) + [i / 4])
      }
      result += flat(
        attend(q[b][h], k[b][h], v[b][h]) { i, j, score in j <= i && chosen[i].contains(j / 4) ? score : -.infinity })
    }
  }
  return [result]
}

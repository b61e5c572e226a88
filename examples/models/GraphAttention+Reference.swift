import Foundation

let graphAttentionExample = Example(
  "Graph attention over edges", graphAttention,
  at: .init(["N": 1, "E": 1], ["sources": [0], "offsets": [0, 1]]),
  .init(["N": 3, "E": 0], ["sources": [], "offsets": [0, 0, 0, 0]]),
  .init(["N": 5, "E": 9], ["sources": [1, 2, 4, 0, 0, 1, 2, 3, 4], "offsets": [0, 3, 3, 4, 4, 9]])
) { n in
  let (offsets, sources) = (n.integers("offsets"), n.integers("sources"))
  let h = parts(n.linear("map", n.rows("x")), 2)
  let (a, b) = (n.rows("source"), n.rows("target"))
  let heads = (0..<2).map { head in
    h[head].indices.map { target in
      var (sum, total) = ([Double](repeating: 0, count: 8), 0.0)
      for edge in offsets[target]..<offsets[target + 1] {
        let row = h[head][sources[edge]]
        let score = dot(row, a[head]) + dot(h[head][target], b[head])
        let weight = exp(score > 0 ? score : 0.2 * score)
        total += weight
        for d in 0..<8 { sum[d] += weight * row[d] }
      }
      return sum.map { total == 0 ? 0 : $0 / total }
    }
  }
  return [flat(joined(heads))]
}

import Foundation

let sigmoidAttentionExample = Example(
  "Sigmoid attention", sigmoidAttention, at: .init(["B": 1, "S": 1]), .init(["B": 2, "S": 9]), .init(["B": 1, "S": 30])
) { n in
  let (q, k, v) = (n.heads("q"), n.heads("k"), n.heads("v"))
  var result: [Double] = []
  for b in q.indices {
    for h in 0..<2 {
      let weights = products(q[b][h], k[b][h]).enumerated().map { i, row in
        row.enumerated().map { j, score in j <= i ? sigmoid(score - log(Double(row.count))) : 0 }
      }
      result += flat(weighted(weights, v[b][h], width: 8))
    }
  }
  return [result]
}

import Foundation

let offByOneExample = Example(
  "Softmax off by one", offByOne,
  at: .init(["B": 1, "M": 1, "N": 1]), .init(["B": 2, "M": 5, "N": 9]), .init(["B": 1, "M": 3, "N": 50])
) { n in
  let (q, k, v) = (n.heads("q"), n.heads("k"), n.heads("v"))
  var result: [Double] = []
  for b in q.indices {
    for h in 0..<2 {
      let weights = products(q[b][h], k[b][h]).map { row in
        let exponentials = row.map { exp($0) }
        return exponentials.map { $0 / (1 + exponentials.reduce(0, +)) }
      }
      result += flat(weighted(weights, v[b][h], width: 8))
    }
  }
  return [result]
}

import Foundation

let gatedDeltaNetExample = Example("gated delta rule", gatedDeltaNet, at: .init(["T": 1]), .init(["T": 6]), .init(["T": 40])) { n in
  let u = n.rows("u")
  func heads(_ name: String) -> [Rows] { parts(n.linear(name, u), 2) }
  func normalized(_ row: [Double]) -> [Double] { row.map { $0 / (dot(row, row) + 1e-6).squareRoot() } }
  let (q, k, v) = (heads("query"), heads("key"), heads("value"))
  let (decay, strength) = (n.linear("decay", u).map { $0.map(sigmoid) }, n.linear("strength", u).map { $0.map(sigmoid) })
  let outputs = (0..<2).map { h in
    var s = Rows(repeating: [0, 0, 0, 0], count: 4)
    return u.indices.map { t in
      let (q, k) = (normalized(q[h][t]), normalized(k[h][t]))
      for i in 0..<4 {
        let row = s[i].map { $0 * decay[t][h] }
        let change = strength[t][h] * (v[h][t][i] - dot(row, k))
        s[i] = (0..<4).map { row[$0] + change * k[$0] }
      }
      return s.map { dot($0, q) }
    }
  }
  return [flat(n.linear("output", joined(outputs)))]
}

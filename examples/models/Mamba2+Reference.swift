import Foundation

let mamba2Example = Example("Mamba-2", mamba2, at: .init(["S": 1]), .init(["S": 7]), .init(["S": 70])) { n in
  let u = n.rows("u")
  let (x, b, c) = (parts(n.linear("x", u), 2), n.linear("B", u), n.linear("C", u))
  let (steps, a, skip) = (n.linear("step", u).map { $0.map { log1p(exp($0)) } }, n.list("A_log"), n.list("D"))
  let heads = (0..<2).map { head in
    // The state of 4 rows of 8, carried from row to row.
    var state = Rows(repeating: [Double](repeating: 0, count: 8), count: 4)
    return u.indices.map { i in
      let (step, row) = (steps[i][head], x[head][i])
      for s in 0..<4 {
        for d in 0..<8 { state[s][d] = state[s][d] * exp(-exp(a[head]) * step) + b[i][s] * step * row[d] }
      }
      return (0..<8).map { d in (0..<4).reduce(0.0) { $0 + c[i][$1] * state[$1][d] } + skip[head] * row[d] }
    }
  }
  let gated = zip(joined(heads), n.linear("gate", u)).map { zip($0, $1).map { $0 * silu($1) } }
  return [flat(n.linear("output", n.rmsNorm("norm", gated)))]
}

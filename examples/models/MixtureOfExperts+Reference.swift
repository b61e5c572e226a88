let mixtureOfExpertsExample = Example(
  "Mixture of experts", mixtureOfExperts, at: .init(["T": 1]), .init(["T": 7]), .init(["T": 30])
) { n in
  let x = n.rows("x")
  func times(_ row: [Double], _ matrix: Rows) -> [Double] {
    matrix[0].indices.map { j in row.indices.reduce(0) { $0 + row[$1] * matrix[$1][j] } }
  }
  let result = zip(x, n.linear("router", x)).map { row, scores in
    let shares = softmax(scores)
    let best = shares.indices.sorted { shares[$0] > shares[$1] }.prefix(2)
    let total = best.reduce(0) { $0 + shares[$1] }
    var sum = [Double](repeating: 0, count: 16)
    for expert in best {
      let (gate, up) = (times(row, n.matrices("gate")[expert]), times(row, n.matrices("up")[expert]))
      let down = times(zip(gate, up).map { silu($0) * $1 }, n.matrices("down")[expert])
      for d in 0..<16 { sum[d] += shares[expert] / total * down[d] }
    }
    return sum
  }
  return [flat(result)]
}

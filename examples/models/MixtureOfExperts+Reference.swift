let mixtureOfExpertsExample = Example(
  "Mixture of experts", mixtureOfExperts, at: .init(["T": 1]), .init(["T": 7]), .init(["T": 30])
) { n in
  let (x, gates, ups, downs) = (n.rows("x"), n.matrices("gate"), n.matrices("up"), n.matrices("down"))
  func times(_ row: [Double], _ matrix: Rows) -> [Double] {
    matrix[0].indices.map { j in row.indices.reduce(0.0) { $0 + row[$1] * matrix[$1][j] } }
  }
  let result = zip(x, n.linear("router", x)).map { row, scores in
    let shares = softmax(scores)
    let best = shares.indices.sorted { shares[$0] > shares[$1] }.prefix(2)
    let total = best.reduce(0.0) { $0 + shares[$1] }
    var sum = [Double](repeating: 0, count: 16)
    for expert in best {
      let hidden = zip(times(row, gates[expert]), times(row, ups[expert])).map { silu($0) * $1 }
      let down = times(hidden, downs[expert])
      for d in 0..<16 { sum[d] += shares[expert] / total * down[d] }
    }
    return sum
  }
  return [flat(result)]
}

let triangleAttentionExample = Example(
  "Triangle attention", triangleAttention, at: .init(["N": 1]), .init(["N": 5]), .init(["N": 9])
) { n in
  let z = n.matrices("pairs").map { n.layerNorm("norm", $0) }
  // [from j][to k][head]
  let biases = z.map { n.linear("bias", $0) }
  let result = z.map { row in
    let q = parts(n.linear("query", row), 2)
    let k = parts(n.linear("key", row), 2)
    let v = parts(n.linear("value", row), 2)
    let attended = joined((0..<2).map { h in attend(q[h], k[h], v[h]) { j, k, score in score + biases[j][k][h] } })
    let gates = n.linear("gate", row)
    return n.linear("output", zip(attended, gates).map { zip($0, $1).map { $0 * sigmoid($1) } })
  }
  return [result.flatMap(flat)]
}

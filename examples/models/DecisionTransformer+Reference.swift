import Foundation

let decisionTransformerExample = Example(
  "Decision transformer", decisionTransformer,
  at: .init(["T": 1], ["times": [5]]), .init(["T": 3], ["times": [0, 1, 2]]), .init(["T": 7], ["times": Array(50..<57)])
) { n in
  let (times, table) = (n.integers("times"), n.rows("time.weight"))
  let kinds = [
    n.linear("return", n.rows("returns")), n.linear("state", n.rows("states")), n.linear("action", n.rows("actions")),
  ]
  var tokens: Rows = []
  for t in times.indices {
    for kind in kinds { tokens.append(zip(kind[t], table[times[t]]).map { $0 + $1 }) }
  }
  var x = n.layerNorm("norm", tokens)
  let rows = n.layerNorm("norm1", x)
  x = added(x, n.multiHead("attention", rows, rows, heads: 4) { _, i, j, score in j <= i ? score : -.infinity })
  x = added(x, n.feedForward("mlp", n.layerNorm("norm2", x), gelu))
  let ofStates = times.indices.map { x[3 * $0 + 1] }
  return [n.linear("next", ofStates).flatMap { $0.map { tanh($0) } }]
}

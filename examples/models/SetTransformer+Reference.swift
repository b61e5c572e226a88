let setTransformerExample = Example(
  "Set transformer, induced points", setTransformer, at: .init(["N": 1]), .init(["N": 7]), .init(["N": 50])
) { n in
  func block(_ name: String, _ x: Rows, _ y: Rows) -> Rows {
    let h = n.layerNorm("\(name).norm1", added(x, n.multiHead("\(name).attention", x, y, heads: 4)))
    return n.layerNorm("\(name).norm2", added(h, n.feedForward("\(name).mlp", h) { max($0, 0) }))
  }
  let set = n.rows("set")
  return [flat(block("read", set, block("induce", n.rows("points"), set)))]
}

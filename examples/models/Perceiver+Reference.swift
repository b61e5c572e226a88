let perceiverExample = Example(
  "Perceiver", perceiver, at: .init(["B": 1, "M": 1]), .init(["B": 2, "M": 9]), .init(["B": 1, "M": 50])
) { n in
  let latents = n.rows("latents")
  let results = n.matrices("x").map { x in
    var z = added(latents, n.multiHead("cross", n.layerNorm("normLatents", latents), n.layerNorm("normInput", x), heads: 4))
    z = added(z, n.feedForward("mlp", n.layerNorm("norm1", z), gelu))
    let rows = n.layerNorm("norm2", z)
    z = added(z, n.multiHead("self", rows, rows, heads: 4))
    return (0..<32).map { d in z.reduce(0.0) { $0 + $1[d] } / 8 }
  }
  return [flat(n.linear("head", results))]
}

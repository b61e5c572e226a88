let crossAttentionExample = Example(
  "Cross-attention with lengths", crossAttention,
  at: .init(["B": 1, "M": 1, "N": 1], ["lengths": [1]]), .init(["B": 3, "M": 5, "N": 7], ["lengths": [7, 0, 3]]),
  .init(["B": 2, "M": 3, "N": 21], ["lengths": [20, 1]])
) { n in
  let (x, memory, lengths) = (n.matrices("x"), n.matrices("memory"), n.integers("lengths"))
  let results = x.indices.map { b in
    added(
      x[b],
      n.multiHead("attention", n.layerNorm("norm", x[b]), memory[b], heads: 4) { _, _, j, score in
        j < lengths[b] ? score : -.infinity
      })
  }
  return [results.flatMap(flat)]
}

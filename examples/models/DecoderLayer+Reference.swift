let decoderLayerExample = Example(
  "Decoder layer with a cache", decoderLayer,
  at: .init(["N": 5, "P": 0]), .init(["N": 1, "P": 7]), .init(["N": 4, "P": 3])
) { n in
  let (x, past) = (n.rows("x"), n.size("P"))
  let rows = n.rmsNorm("norm1", x)
  let q = parts(n.linear("query", rows), 4).map { rotated($0, from: past) }
  let (newKeys, newValues) = (parts(n.linear("key", rows), 2), parts(n.linear("value", rows), 2))
  let keys = zip(n.matrices("oldKeys"), newKeys).map { $0 + rotated($1, from: past) }
  let values = zip(n.matrices("oldValues"), newValues).map { $0 + $1 }
  let heads = (0..<4).map { h in
    attend(q[h], keys[h / 2], values[h / 2]) { i, j, score in j <= past + i ? score : -.infinity }
  }
  let h = added(x, n.linear("output", joined(heads)))
  let y = added(h, n.feedForward("mlp", n.rmsNorm("norm2", h), isGated: true, silu))
  return [flat(y), keys.flatMap(flat), values.flatMap(flat)]
}

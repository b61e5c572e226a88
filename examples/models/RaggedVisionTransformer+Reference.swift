let raggedVisionTransformerExample = Example(
  "Ragged vision transformer", raggedVisionTransformer,
  at: .init(["T": 1, "B": 1], ["offsets": [0, 1], "places": [3]]),
  .init(["T": 7, "B": 3], ["offsets": [0, 3, 3, 7], "places": [0, 1, 2, 0, 1, 8, 9]]),
  .init(["T": 9, "B": 2], ["offsets": [0, 5, 9], "places": [0, 1, 2, 3, 4, 10, 11, 12, 63]])
) { n in
  let (offsets, table) = (n.integers("offsets"), n.rows("place.weight"))
  let (kernels, bias) = (n.rows("patch.weight"), n.list("patch.bias"))
  var x = zip(n.rows("patches"), n.integers("places")).map { patch, place in
    kernels.enumerated().map { output, kernel in dot(patch, kernel) + bias[output] + table[place][output] }
  }
  for layer in ["layer0", "layer1"] {
    let rows = n.layerNorm("\(layer).norm1", x)
    var attended: Rows = []
    for b in 1..<offsets.count {
      let image = Array(rows[offsets[b - 1]..<offsets[b]])
      attended += n.multiHead("\(layer).attention", image, image, heads: 4)
    }
    x = added(x, attended)
    x = added(x, n.feedForward("\(layer).mlp", n.layerNorm("\(layer).norm2", x), gelu))
  }
  let means = (1..<offsets.count).map { b in
    let image = x[offsets[b - 1]..<offsets[b]]
    return (0..<32).map { d in image.reduce(0.0) { $0 + $1[d] } / Double(max(image.count, 1)) }
  }
  return [flat(n.linear("head", means))]
}

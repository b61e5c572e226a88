import Heed

/// A vision transformer over the patches of images of many sizes, packed one after the other: a patch sees those of its own image.
/// Dehghani et al., "Patch n' Pack: NaViT", 2023.
let raggedVisionTransformer = Graph("ragged_vision_transformer") { g in
  let patches = g.input("patches", .f32, ["T", 3, 4, 4])
  let places = g.input("places", .i32, ["T"])
  let offsets = g.input("offsets", .i32, ["B + 1"])

  let kernel = g.parameter("patch.weight", .f32, [32, 3, 4, 4])
  let bias = g.parameter("patch.bias", .f32, [32])
  var x = convolution2D(patches, kernel, bias: bias, stride: (4, 4)).reshape(["T", 32])
  x += Embedding("place", in: g, count: 64, size: 32)(places)
  for layer in 0..<2 {
    g.scope("layer\(layer)") {
      let attention = MultiHeadAttention("attention", in: g, size: 32, headCount: 4)
      x += attention(LayerNorm("norm1", in: g, size: 32)(x), mask: .documents(offsets))
      x += FeedForward("mlp", in: g, size: 32, hiddenSize: 64)(LayerNorm("norm2", in: g, size: 32)(x))
    }
  }
  return Linear("head", in: g, inputs: 32, outputs: 10)(x.segmentMean(offsets))
}

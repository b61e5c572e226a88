import Heed

extension Example {
  static let digits = Example(
    name: "digits",
    idea: "An image is a sequence of patches. Attention among them reads handwritten digits, in images of any size.",
    claims: [
      Claim("accuracy", "digits of 8 x 8 pixels, five splits: share of a held-out fifth read right", .atLeast(0.965), on: .digits),
      Claim("sizes", "the same digits in images of many sizes, in one ragged batch: share read right", .atLeast(0.95), on: .digits),
      Claim("alone", "the logits of an image alone and in a batch of all sizes: largest difference", .atMost(0), on: .digits),
      Claim(
        "attention", "errors where patches see only themselves, of those with attention", .atLeast(2), of: .mean,
        exception: "digits of 8 x 8 pixels are read from single patches as well", on: .digits),
      Claim(
        "rollout", "errors without the 4 patches of the most rollout, of those without 4 random ones", .atLeast(1.5), of: .mean,
        on: .digits),
    ],
    graph: { Graph("digits") { [logits($0, seesOthers: true).logits] } }, run: measure)
}

private let (width, heads, layers) = (48, 4, 2)

/// Reads images packed one after the other: the logits of each, and the weights of each layer. A patch sees those of its own image.
/// - Parameter seesOthers: whether patches see others at all.
private func logits(_ g: GraphBuilder, seesOthers: Bool) -> (logits: Tensor, weights: [Tensor]) {
  let (patches, offsets) = (g.input("patches", .f32, ["T", 4]), g.input("offsets", .i32, ["B + 1"]))
  var x = Linear("patch", in: g, inputs: 4, outputs: width)(patches)
  for side in ["rows", "columns"] { x += Embedding(side, in: g, count: 6, size: width)(g.input(side, .i32, ["T"])) }
  let mask = seesOthers ? Mask.documents(offsets) : Mask { $0.query == $0.key }
  var weights: [Tensor] = []
  for layer in 0..<layers {
    let attention = MultiHeadAttention("layer\(layer).attention", in: g, size: width, headCount: heads)
    let (y, probabilities) = attention.attend(LayerNorm("layer\(layer).norm1", in: g, size: width)(x), mask: mask)
    x += y
    weights.append(probabilities)
    let forward = FeedForward("layer\(layer).mlp", in: g, size: width, hiddenSize: 2 * width)
    x += forward(LayerNorm("layer\(layer).norm2", in: g, size: width)(x))
  }
  let image = LayerNorm("norm", in: g, size: width)(x).segmentMean(offsets)
  return (Linear("head", in: g, inputs: width, outputs: 10)(image).named("logits"), weights)
}

/// How much each patch of an image reaches its mean, through attention and the paths around it: the product of the layers' weights,
/// averaged over heads and with the identity. Abnar and Zuidema, "Quantifying attention flow in transformers", 2020.
private func rollout(_ weights: [Tensor]) -> Tensor {
  let reached = weights.reduce(nil as Tensor?) { below, weights in
    let mean = weights.mean(0)
    let step = (mean + (mean.index(0) == mean.index(1)).cast(to: .f32)) / 2
    return below.map { matmul(step, $0) } ?? step
  }
  return reached!.mean(0).named("rollout")
}

private func learner(seesOthers: Bool, steps: Int) throws -> Learner {
  try Learner(
    AdamW(weightDecay: 0.5), learningRate: .cosine(from: 4e-3, to: 1e-4, over: steps).warmedUp(over: 20), clippingNorm: 1
  ) { g in
    crossEntropy(logits(g, seesOthers: seesOthers).logits, g.input("digits", .i32, ["B"]), labelSmoothing: 0.05)
  } outputs: { g in
    [logits(g, seesOthers: seesOthers).logits]
  }
}

private func measure(_ laboratory: Laboratory) throws {
  guard laboratory.has(.digits) else { return }
  let digits = try DigitImages()
  let steps = laboratory.short(1000, full: 1400)
  let learners = try [true, false].map { try learner(seesOthers: $0, steps: steps) }
  let tracing = try Graph(building: "rollout") { g in [rollout(logits(g, seesOthers: true).weights)] }.compile()
  for seed in laboratory.seeds {
    let (training, heldOut) = digits.split(heldOut: seed - 1)
    /// Trains on images of which one in three has another size.
    func train(_ learner: Learner) throws -> TrainedModel {
      try learner.train(steps: steps, seed: seed) { step in
        var numbers = SeededGenerator(seed: 10_000 * seed + step)
        let images = (0..<32).map { number in
          let image = training.randomElement(using: &numbers)!
          return number % 3 == 0 ? image.resized(&numbers) : image
        }
        return try DigitImages.packed(images).merging(["digits": DigitImages.digits(images)]) { $1 }
      }.model
    }
    let model = try train(learners[0])
    let count = try errors(model, heldOut)
    laboratory.measure("accuracy", 1 - Double(count) / Double(heldOut.count))
    laboratory.measure("attention", Double(try errors(train(learners[1]), heldOut)) / Double(max(count, 1)))

    var numbers = SeededGenerator(seed: seed)
    let resized = heldOut.map { $0.resized(&numbers) }
    laboratory.measure("sizes", 1 - Double(try errors(model, resized)) / Double(heldOut.count))
    let together = try model(DigitImages.packed(resized))["logits"]!.floats()
    let alone = try resized.prefix(50).flatMap { try model(DigitImages.packed([$0]))["logits"]!.floats() }
    laboratory.measure("alone", Double(zip(alone, together).map { abs($0 - $1) }.max()!))

    // Patches are removed from the sequence: nothing stands in their place.
    let trace = try tracing.load(model.state)
    let rollouts = try heldOut.map { try trace(DigitImages.packed([$0]))["rollout"]!.doubles() }
    let most = rollouts.map { rollout in Set(rollout.indices.sorted { rollout[$0] > rollout[$1] }.prefix(4)) }
    let random = heldOut.map { _ in Set((0..<16).shuffled(using: &numbers).prefix(4)) }
    let inkiest = heldOut.map { image in Set((0..<16).sorted { image.ink(ofPatch: $0) > image.ink(ofPatch: $1) }.prefix(4)) }
    let without = try [most, random, inkiest].map { removed in try errors(model, heldOut) { !removed[$0].contains($1) } }
    laboratory.measure("rollout", Double(without[0]) / Double(max(without[1], 1)))
    laboratory.say(
      "split \(seed): \(count) errors of \(heldOut.count); without 4 patches, those of most rollout \(without[0]), "
        + "random ones \(without[1]), those of most ink \(without[2])")
    if seed == 1 { try draw(laboratory, heldOut, rollouts) }
  }
}

/// How many images are read wrongly.
private func errors(
  _ model: TrainedModel, _ images: [DigitImages.Image], keeping: (Int, Int) -> Bool = { _, _ in true }
) throws -> Int {
  let logits = try model(DigitImages.packed(images, keeping: keeping))["logits"]!.floats()
  return images.indices.count { image in
    let row = logits[10 * image..<10 * image + 10]
    return row.firstIndex(of: row.max()!)! - 10 * image != images[image].digit
  }
}

/// The first image of each of eight digits, and the rollout over its patches, pixel by pixel.
private func draw(_ laboratory: Laboratory, _ images: [DigitImages.Image], _ rollouts: [[Double]]) throws {
  let chosen = [0, 2, 3, 4, 5, 6, 8, 9].map { digit in images.firstIndex { $0.digit == digit }! }
  try laboratory.draw(
    Panels(
      title: "Digits, and how much each of their 16 patches reaches the answer (bright: much)",
      rows: [
        chosen.map {
          Panels.Panel(title: "a \(images[$0].digit)", values: images[$0].pixels.map { $0.map(Double.init) }, isGrey: true)
        },
        chosen.map { image in
          Panels.Panel(
            title: "attention rollout",
            values: (0..<8).map { row in (0..<8).map { rollouts[image][row / 2 * 4 + $0 / 2] } })
        },
      ]))
}

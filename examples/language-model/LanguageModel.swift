import Foundation
import Heed

extension Example {
  static let languageModel = Example(
    name: "language-model",
    idea: "A model of characters writes on from a cache of keys and values: the same text, at the same time for each character.",
    claims: [
      Claim("learned", "held-out loss, of that of the best table of pairs of characters", .atMost(0.95)),
      Claim("same", "characters that differ from those written without the cache, of 200", .between(0, 0)),
      Claim("logits", "largest difference of the logits with and without the cache", .atMost(1e-4)),
      Claim("flat", "with the cache, time of a character after 960 others, of that after 60", .atMost(1.5)),
      Claim("grows", "without the cache, the same", .atLeast(4)),
      Claim("faster", "after 960 others, time without the cache, of that with it", .atLeast(20)),
    ],
    graph: { Graph("step") { g in CharacterModel(hasCache: true).logits(g) } }, run: measure)
}

/// A causal transformer over characters, whose positions are distances (ALiBi): it may be longer than what it was trained on.
private struct CharacterModel {
  static let (characters, layers, width, heads, capacity) = (128, 2, 64, 4, 1024)
  /// Whether keys and values of what came before are in states, so that only new characters are computed.
  let hasCache: Bool

  /// The logits of what follows each character, `[B, S, 128]`.
  func logits(_ g: GraphBuilder) -> Tensor {
    let ids = g.input("ids", .i32, [hasCache ? 1 : "B", "S"])
    // How many characters came before these.
    let position = hasCache ? g.input("position", .i32) : nil
    let width = Self.width
    let table = g.initialize(g.parameter("characters", .f32, [Extent(Self.characters), Extent(width)]), .normal(deviation: 0.02))
    var x = Embedding(weight: table)(ids)
    for layer in 0..<Self.layers {
      g.scope("layers.\(layer)") {
        x += attention(g, LayerNorm("norm1", in: g, size: width)(x), position)
        x += FeedForward("mlp", in: g, size: width, hiddenSize: 4 * width)(LayerNorm("norm2", in: g, size: width)(x))
      }
    }
    return matmul(LayerNorm("norm", in: g, size: width)(x), table.transposed()).named("logits")
  }

  /// Attention of characters to themselves and to those before them.
  private func attention(_ g: GraphBuilder, _ x: Tensor, _ position: Tensor?) -> Tensor {
    let attention = MultiHeadAttention("attention", in: g, size: Self.width, headCount: Self.heads)
    guard let position else { return attention(x, mask: .causal(), scores: .alibi()) }
    let cache = KeyValueCache("cache", in: g, for: attention, batch: [1], capacity: Self.capacity)
    return attention(x, cache: cache, at: position, scores: .alibi())
  }
}

/// The characters of a text, the last tenth of them held out.
private func text() throws -> (training: [Int32], heldOut: [Int32]) {
  let path = "/usr/share/common-licenses/GPL-3"
  guard let data = FileManager.default.contents(atPath: path) else {
    throw HeedError("got no \(path), expected the text of the license, which Debian has on every system")
  }
  // FNV-1a: the text is the one that was measured.
  let hash = data.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  guard hash == expectedHash else {
    throw HeedError("\(path): got the hash \(String(hash, radix: 16)), expected \(String(expectedHash, radix: 16))")
  }
  let ids = data.map { Int32($0 & 127) }
  return (Array(ids.prefix(ids.count * 9 / 10)), Array(ids.suffix(ids.count / 10)))
}

private let expectedHash: UInt64 = 0x3a7b_2fcb_c1b6_6470

/// The loss of a table of what follows each character, with the best of several amounts that are added to all counts.
private func lossOfPairs(_ training: [Int32], _ heldOut: [Int32]) -> Double {
  var counts = Array(repeating: Array(repeating: 0.0, count: CharacterModel.characters), count: CharacterModel.characters)
  for (one, next) in zip(training, training.dropFirst()) { counts[Int(one)][Int(next)] += 1 }
  return [0.001, 0.01, 0.1, 1].map { added in
    mean(
      zip(heldOut, heldOut.dropFirst()).map { one, next in
        let row = counts[Int(one)]
        return -log((row[Int(next)] + added) / (row.reduce(0, +) + added * Double(CharacterModel.characters)))
      })
  }.min()!
}

private func windows(_ text: [Int32], from starts: [Int], length: Int = 64) throws -> [String: NDArray] {
  func rows(_ offset: Int) throws -> NDArray {
    try NDArray(starts.flatMap { text[$0 + offset..<$0 + offset + length] }, [starts.count, length])
  }
  return ["ids": try rows(0), "targets": try rows(1)]
}

private func measure(_ laboratory: Laboratory) throws {
  let (training, heldOut) = try text()
  let steps = laboratory.short(250, full: 400)
  func loss(_ g: GraphBuilder) -> Tensor {
    crossEntropy(CharacterModel(hasCache: false).logits(g), g.input("targets", .i32, ["B", "S"]))
  }
  let learner = try Learner(
    learningRate: .cosine(from: 5e-3, to: 5e-4, over: steps).warmedUp(over: 20), clippingNorm: 1, loss: loss,
    outputs: { [loss($0)] })
  let pairs = lossOfPairs(training, heldOut)
  let whole = try Graph(building: "whole") { g in CharacterModel(hasCache: false).logits(g)[.all, (-1)...] }.compile()
  let cachedGraph = try Graph(building: "step") { g in CharacterModel(hasCache: true).logits(g)[.all, (-1)...] }
  let cached = try cachedGraph.compile()
  for seed in laboratory.seeds {
    let (model, losses) = try learner.train(steps: steps, seed: seed) { step in
      var numbers = SeededGenerator(seed: 10_000 * seed + step)
      return try windows(training, from: (0..<16).map { _ in Int.random(in: 0..<training.count - 65, using: &numbers) })
    }
    let found = try model(windows(heldOut, from: Array(stride(from: 0, to: heldOut.count - 65, by: 64)))).array().double()
    laboratory.measure("learned", found / pairs)
    laboratory.say(
      "seed \(seed): held out \(shown(found)) nats per character, table of pairs \(shown(pairs)), training \(shown(mean(losses.suffix(20))))"
    )

    let writer = TextWriter(
      whole: try whole.load(model.state), cached: try cached.load(model.state), cache: try cachedGraph.initialState())
    try writer.compare(laboratory, seed: seed)
    if seed == 1 { try writer.times(laboratory) }
  }
}

import Foundation
import Heed
import HeedTestSupport
import Testing

/// Losses that are not finite: the step, the value where that begins, and the checkpoint.
@Suite struct NonFiniteTests {
  /// Trains on rows of which one makes the loss infinite or NaN, in the order of the rows.
  private func failure(_ folder: String, _ rows: [Float], rate: Double = 0, _ loss: @escaping (_ x: Tensor, _ w: Tensor) -> Tensor)
    async throws -> String
  {
    let graph = try Graph(building: "step") { g in
      let w = g.parameter("w", .f32, [4])
      let value = loss(g.input("x", .f32, ["B", 4]), w).named("loss")
      g.minimize(value, by: SGD(), learningRate: .constant(rate))
      return value
    }
    let data = try ArrayRows(["x": NDArray(rows.flatMap { [$0, 1, 1, 1] }, [rows.count, 4])])
    var trainer = try Trainer(
      graph.compile(CompileOptions(threads: 2, cache: ObjectCache(directory: nil))),
      on: Batches(data, size: .samples(1), seed: nil),
      length: .epochs(1), folder: folder)
    (trainer.checkpointInterval, trainer.progress) = (2, .none)
    let run = trainer
    return await message { try await run.train(from: graph.initialState(["w": NDArray.ones([4])])) }
  }

  @Test func namesTheValue() async throws {
    try await withTemporaryFolder { folder in
      let line = #line + 1
      let text = try await failure(folder, [1, 1, 1, -1, 1]) { x, w in log((x * w).named("product")).named("logarithm").mean() }
      #expect(
        text.hasPrefix(
          "error: step 4: got the loss nan, expected a finite number; the first value that is not finite is %logarithm = log %product"
        ),
        "\(text)")
      #expect(
        text.contains(" : f32[B, 4], made at \(#filePath):\(line); the last checkpoint is \(folder)/checkpoint-00000002.safe"),
        "\(text)")
      #expect(try TrainingCheckpoint(contentsOf: folder + "/checkpoint-00000002.safetensors").step == 2)
      #expect(try metrics(folder).last?.hasPrefix("{\"step\": 4, \"epoch\": 0, \"loss\": null") == true)
    }
  }

  /// An infinity that a mask writes is not where it begins; one that a product makes is.
  @Test func masksAreNotTheCause() async throws {
    try await withTemporaryFolder { folder in
      let text = try await failure(folder, [1, 1, 3e30]) { x, w in
        let scores = (x * w).named("scores")
        let masked = scores.where(scores.index(1) <= 2, else: -.infinity).named("masked")
        let squares = (x * x).named("squares")
        return (softmax(masked) * squares).named("weighed").sum()
      }
      #expect(text.hasPrefix("error: step 3: got the loss inf"), "\(text)")
      #expect(text.contains("is not finite is %squares = multiply %x, %x : f32[B, 4]; the last"), "\(text)")
    }
  }

  /// A row without a key that is seen: NaN begins where infinities that a mask wrote meet.
  @Test func infinitiesOfMasksThatMeet() async throws {
    try await withTemporaryFolder { folder in
      let text = try await failure(folder, [1, -5]) { x, w in
        let masked = (x * w).where((x * w) > -2, else: -.infinity).named("masked")
        return (masked - masked).named("difference").sum()
      }
      #expect(
        text.hasPrefix("error: step 2: got the loss nan") && text.contains("is not finite is %difference = subtract"), "\(text)")
    }
  }

  /// Weights that a step before made infinite: the step and the value of that one.
  @Test func anEarlierStep() async throws {
    try await withTemporaryFolder { folder in
      let text = try await failure(folder, [1, 1, 0, 1], rate: 1) { x, w in
        sqrt((x * 0.5).named("half")).mean() + (w * sqrt((x * w).named("product"))).mean() * 0
      }
      #expect(text.hasPrefix("error: step 4: got the loss nan"), "\(text)")
      #expect(text.contains("the first value that is not finite in step 3 is "), "\(text)")
    }
  }

  /// A transformer, whose masks are infinite everywhere: values that become too large in a layer, and an input that is not finite.
  @Test(
    arguments: [(3e38, "%layer1.gained = multiply"), (.infinity, "layer1.gain, an argument of type f32[B, 1, 1]")]
      as [(Float, String)])
  func transformer(gain: Float, origin: String) async throws {
    let (graph, initializers) = try Graph.withInitializers("step") { g in
      let ids = g.input("ids", .i32, ["B", 12])
      let embedding = Embedding("tokens", in: g, count: 16, size: 32)
      var x = embedding(ids)
      for layer in 0..<2 {
        x = g.scope("layer\(layer)") {
          let y =
            x
            + MultiHeadAttention("attention", in: g, size: 32, headCount: 2)(LayerNorm("norm", in: g, size: 32)(x), mask: .causal())
          return layer == 0 ? y : (y * 4 * g.input("gain", .f32, ["B", 1, 1])).named("gained")
        }
      }
      let loss = crossEntropy(matmul(x, embedding.weight.transposed()), ids).named("loss")
      g.minimize(loss, by: AdamW(), learningRate: 1e-3, clippingNorm: 1)
      return loss
    }
    let ids = NDArray.random([6, 12], seed: 1)
    let tokens = try ids.floats().map { Int32(abs($0) * 5) % 16 }
    let data = try ArrayRows([
      "ids": NDArray(tokens, [6, 12]), "layer1.gain": NDArray([0.25, 0.25, 0.25, 0.25, gain, 0.25], [6, 1, 1]),
    ])
    try await withTemporaryFolder { folder in
      var trainer = try Trainer(
        graph.compile(CompileOptions(threads: 2, cache: ObjectCache(directory: nil))),
        on: Batches(data, size: .samples(1), seed: nil),
        length: .epochs(1), folder: folder)
      (trainer.checkpointInterval, trainer.progress) = (2, .none)
      let run = trainer
      let text = await message { try await run.train(from: graph.initialState(initializers.arrays(for: graph, seed: 1))) }
      #expect(text.hasPrefix("error: step 5: got the loss ") && text.contains("is not finite is \(origin)"), "\(text)")
      #expect(text.contains("the last checkpoint is \(folder)/checkpoint-00000004.safetensors"), "\(text)")
    }
  }
}

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
      graph.compile(CompileOptions(threads: 2, cache: ObjectCache(directory: nil))), on: Batches(data, size: .samples(1), seed: nil),
      length: .epochs(1), folder: folder)
    (trainer.checkpointInterval, trainer.progress) = (2, .none)
    let run = trainer
    return await message { try await run.train(from: graph.initialState(["w": NDArray.ones([4])])) }
  }

  @Test func namesTheValue() async throws {
    try await withTemporaryFolder { folder in
      let text = try await failure(folder, [1, 1, 1, -1, 1]) { x, w in log((x * w).named("product")).named("logarithm").mean() }
      #expect(
        text.hasPrefix(
          "error: step 4: got the loss nan, expected a finite number; the first value that is not finite is %logarithm = log %product"),
        "\(text)")
      #expect(text.hasSuffix(" : f32[B, 4]; the last checkpoint is \(folder)/checkpoint-00000002.safetensors"), "\(text)")
      #expect(try Checkpoint(contentsOf: folder + "/checkpoint-00000002.safetensors").step == 2)
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
      #expect(text.contains("is not finite is %squares = multiply %x, %x : f32[B, 4];"), "\(text)")
    }
  }

  /// A row without a key that is seen: NaN begins where infinities that a mask wrote meet.
  @Test func infinitiesOfMasksThatMeet() async throws {
    try await withTemporaryFolder { folder in
      let text = try await failure(folder, [1, -5]) { x, w in
        let masked = (x * w).where((x * w) > -2, else: -.infinity).named("masked")
        return (masked - masked).named("difference").sum()
      }
      #expect(text.hasPrefix("error: step 2: got the loss nan") && text.contains("is not finite is %difference = subtract"), "\(text)")
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

  /// A run that stopped there goes on from the checkpoint, with other numbers, without a trace of what was not finite.
  @Test func resumes() async throws {
    try await withTemporaryFolder { folder in
      _ = try await failure(folder, [1, 1, 1, -1, 1]) { x, w in log(x * w).mean() }
      let again = try await message {
        let text = try await failure(folder, [1]) { x, w in (x * w).mean() }
        throw HeedError(text)
      }
      #expect(again.contains("for a new run, which has checkpoints up to step 2"))
    }
  }
}

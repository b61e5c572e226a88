import Foundation
import Heed
import HeedTestSupport
import Testing

/// Runs from their start to their end: files, lengths, evaluations.
@Suite struct RunTests {
  @Test func filesOfARun() async throws {
    try await withTemporaryFolder { folder in
      let result = try await SmallProblem().trainer(folder).train(from: try SmallProblem().initial)
      #expect(result.end == .completed && result.step == 30)
      #expect(
        try files(folder) == [
          "best.safetensors", "checkpoint-00000020.safetensors", "checkpoint-00000025.safetensors",
          "checkpoint-00000030.safetensors",
          "loss.svg", "metrics.jsonl",
        ])
      let lines = try metrics(folder)
      let steps = lines.filter { $0.contains("\"loss\"") }
      #expect(steps.count == 30 && lines.count == 36)
      for (number, line) in steps.enumerated() {
        #expect(line.hasPrefix("{\"step\": \(number + 1), \"epoch\": \(number / 6), \"loss\": "), "\(line)")
        #expect(line.contains("\"learning_rate\": 0.02, \"samples\": 8, \"tokens\": 0}"), "\(line)")
      }
      let evaluations = lines.filter { $0.contains("evaluation_loss") }
      #expect(evaluations.map { $0.prefix(11) } == ["5", "10", "15", "20", "25", "30"].map { "{\"step\": \($0), \"".prefix(11) })
      let best = try #require(result.best)
      #expect(try TrainingCheckpoint(contentsOf: folder + "/best.safetensors").step == best.step)
      let last = try TrainingCheckpoint(contentsOf: result.checkpoint)
      #expect(last.step == 30 && last.position == DataPosition(epoch: 5, sample: 0) && last.best == best.value)
      // The file holds the state under its own names.
      #expect(try GraphState(contentsOf: result.checkpoint)["map.weight"]?.floats() == result.state["map.weight"]?.floats())
      let curve = try String(contentsOfFile: folder + "/loss.svg", encoding: .utf8)
      #expect(curve.contains("training") && curve.contains("evaluation") && curve.hasSuffix("</svg>\n"))
    }
  }

  /// The mean over samples, whatever the batches, of the weights after the step.
  @Test func evaluationIsTheMeanOverSamples() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      let result = try await problem.trainer(folder, steps: 5).train(from: problem.initial)
      let whole = try Batches(problem.heldOut, size: .samples(12), seed: nil).batch()
      let weights = ["map.weight", "map.bias"].map { ($0, result.state[$0]!) }
      let program = try problem.model.load(parameters: Dictionary(uniqueKeysWithValues: weights))
      let expected: NDArray = try program(whole.arrays)
      #expect(try abs(#require(result.best).value - Double(expected.float())) < 1e-6)
    }
  }

  @Test func epochs() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      var trainer = try problem.trainer(folder)
      trainer.length = .epochs(2)
      let result = try await trainer.train(from: problem.initial)
      #expect(result.step == 12 && result.end == .completed)
      // A longer run goes on; a shorter one is done at once and changes nothing.
      let before = try files(folder)
      trainer.length = .epochs(1)
      #expect(try await trainer.train(from: problem.initial, start: .resume).step == 12)
      #expect(try files(folder) == before)
      trainer.length = .epochs(3)
      #expect(try await trainer.train(from: problem.initial, start: .resume).step == 18)
    }
  }

  @Test func patience() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      var trainer = try problem.trainer(folder)
      let values = Lock([5.0, 3.0, 4.0, 2.99, 3.5])
      trainer.evaluation = TrainingEvaluation(every: 3, metric: "error") { _ in
        ["error": values.withLock { $0.removeFirst() }, "other": 1]
      }
      trainer.evaluation?.patience = 3
      trainer.evaluation?.leastImprovement = 0.1
      let result = try await trainer.train(from: problem.initial)
      #expect(result.end == .stoppedEarly && result.step == 15)
      #expect(result.best?.value == 3 && result.best?.step == 6)
      #expect(try TrainingCheckpoint(contentsOf: folder + "/best.safetensors").step == 6)
      // It stays stopped, and goes on with more patience.
      #expect(try await trainer.train(from: problem.initial, start: .resume).end == .stoppedEarly)
      values.withLock { $0 = [4, 1, 1, 1, 1] }
      trainer.evaluation?.patience = 5
      let more = try await trainer.train(from: problem.initial, start: .resume)
      #expect(more.end == .completed && more.best?.value == 1 && more.best?.step == 21)
      #expect(try metrics(folder).filter { $0.contains("evaluation_error") && $0.contains("evaluation_other") }.count == 10)
    }
  }

  @Test func largerIsBetter() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      var trainer = try problem.trainer(folder)
      let values = Lock([0.1, 0.5, 0.4, .nan, 0.5, 0.2])
      trainer.evaluation = TrainingEvaluation(every: 5, metric: "accuracy") { _ in
        ["accuracy": values.withLock { $0.removeFirst() }]
      }
      trainer.evaluation?.direction = .larger
      let result = try await trainer.train(from: problem.initial)
      #expect(result.best?.value == 0.5 && result.best?.step == 10)
      #expect(
        try metrics(folder).contains {
          $0.hasPrefix("{\"step\": 20, \"epoch\": 3, \"evaluation_accuracy\": null, \"is_best\": false")
        })
      let curve = try String(contentsOfFile: folder + "/loss.svg", encoding: .utf8)
      #expect(curve.contains("accuracy") && curve.contains("best 0.5000 after step 10"))
    }
  }

  /// A source of one's own, which ends by itself.
  @Test func streamOfOnesOwn() async throws {
    let problem = try SmallProblem()
    let batches = try Batches(problem.training, size: .samples(8), seed: 3)
    try await withTemporaryFolder { folder in
      let data = TrainingData(identity: "two epochs") { position in
        AsyncThrowingStream<Batch, any Error> { continuation in
          do {
            var place = position
            while place.epoch < 2 {
              let batch = try batches.batch(at: place)
              continuation.yield(batch)
              place = batch.next
            }
            continuation.finish()
          } catch { continuation.finish(throwing: error) }
        }
      }
      var trainer = try Trainer(problem.step, on: data, length: .steps(7), folder: folder)
      trainer.progress = .none
      #expect(try await trainer.train(from: problem.initial).end == .completed)
      trainer.length = .steps(100)
      let result = try await trainer.train(from: problem.initial, start: .resume)
      #expect(result.step == 12 && result.end == .completed)
      let text = await message { try await problem.trainer(folder).train(from: problem.initial, start: .resume) }
      #expect(text.contains("got the dataset ") && text.contains(", expected two epochs as before"), "\(text)")
    }
  }

  @Test func mistakes() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      let batches = try Batches(problem.training, size: .samples(8), seed: 3)
      func program(_ names: [String]) throws -> CompiledGraph {
        try Graph(building: "g") { g in
          let x = g.input("x", .f32, ["B", 8])
          return names.map { x.mean().named($0) }
        }.compile(CompileOptions(threads: 1, cache: ObjectCache(directory: nil)))
      }
      func text(_ names: [String], loss: String? = nil) async -> String {
        await message { try Trainer(program(names), on: batches, length: .steps(1), folder: folder, loss: loss) }
      }
      #expect(
        await text(["a", "b"]) == "error: got 'a', 'b' among the results of g, expected one called 'loss', or only one")
      #expect(await text(["a", "b"], loss: "c") == "error: got 'a', 'b' among the results of g, expected one called 'c'")
      #expect(await text(["loss", "step"]).contains("got a result 'step' of g, expected another name"))

      var trainer = try problem.trainer(folder, steps: 4)
      #expect(await message { try await trainer.train(from: problem.initial, start: .resume) }.contains("got no checkpoint in"))
      _ = try await trainer.train(from: problem.initial)
      #expect(
        await message { try await trainer.train(from: problem.initial) }.contains(
          "for a new run, which has checkpoints up to step 4; expected one without, or to resume it"))
      trainer.length = .steps(6)
      trainer.evaluation = TrainingEvaluation(every: 1, metric: "m") { _ in ["n": 1] }
      #expect(
        await message { try await trainer.train(from: problem.initial, start: .resume) }
          == "error: got 'n' of an evaluation, expected one called 'm'")
      // What a call throws names the step.
      let other = try ArrayRows(["x": NDArray.random([20, 8], seed: 1)])
      let lacking = try Trainer(
        problem.step, on: Batches(other, size: .samples(4), seed: 1), length: .steps(3), folder: folder + "/other")
      #expect(
        await message { try await lacking.train(from: problem.initial) }
          == "error: step 1: got no input 't', expected one of type f32[B, 3]")
    }
  }
}

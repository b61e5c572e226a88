import Foundation
import Heed
import HeedTestSupport
import Testing

/// Runs that stop and go on: the same bits as a run that never stopped.
@Suite struct ResumeTests {
  /// The last checkpoint, the best one and the metrics of a run of 30 steps that never stopped.
  private struct Unbroken {
    let (last, best): (Data, Data)
    let lines: [String]

    init(_ problem: SmallProblem) async throws {
      (last, best, lines) = try await withTemporaryFolder { folder in
        _ = try await problem.trainer(folder).train(from: problem.initial)
        return try Unbroken.contents(folder)
      }
    }

    static func contents(_ folder: String) throws -> (Data, Data, [String]) {
      func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) }
      return (try data("checkpoint-00000030.safetensors"), try data("best.safetensors"), try metrics(folder))
    }

    func expectSame(_ folder: String, _ location: Testing.SourceLocation = #_sourceLocation) throws {
      let (last, best, lines) = try Self.contents(folder)
      #expect(last == self.last && best == self.best, sourceLocation: location)
      #expect(lines == self.lines, sourceLocation: location)
    }
  }

  /// Tasks that are cancelled at each step in turn, and in evaluations.
  @Test func cancelledTasks() async throws {
    let problem = try SmallProblem()
    let unbroken = try await Unbroken(problem)
    try await withTemporaryFolder { folder in
      var ends: [TrainingResult.End] = []
      for count in 1...8 {
        let trainer = try problem.trainer(folder)
        let source = try Batches(problem.training, size: .samples(8), seed: 3)
        let countdown = Countdown(count)
        let data = TrainingData(trainer.data.identity, sampleCount: nil) { position, epochs in
          source.stream(from: position, epochs: epochs).map { batch in
            countdown.count()
            return batch
          }
        }
        var part = try Trainer(problem.step, on: data, length: .steps(30), folder: folder)
        (part.evaluation, part.checkpointInterval, part.progress) = (trainer.evaluation, 5, .none)
        let start = part
        let task = Task { try await start.train(from: problem.initial, start: .resumeWherePossible) }
        ends.append(try await task.value.end)
      }
      #expect(ends.dropLast().allSatisfy { $0 == .cancelled } && ends.last == .completed, "\(ends)")
      try unbroken.expectSame(folder)
    }
  }

  /// A task that is cancelled in the middle of an evaluation saves, and the evaluation is made again.
  @Test func cancelledEvaluation() async throws {
    let problem = try SmallProblem()
    let unbroken = try await Unbroken(problem)
    try await withTemporaryFolder { folder in
      var trainer = try problem.trainer(folder)
      let whole = trainer.evaluation
      trainer.evaluation = TrainingEvaluation(every: 5, metric: "loss") { _ in
        withUnsafeCurrentTask { $0?.cancel() }
        throw CancellationError()
      }
      let part = trainer
      let result = try await Task { try await part.train(from: problem.initial) }.value
      #expect(result.end == .cancelled && result.step == 5)
      #expect(try TrainingCheckpoint(contentsOf: result.checkpoint).evaluatedStep == nil)
      trainer.evaluation = whole
      _ = try await trainer.train(from: problem.initial, start: .resume)
      try unbroken.expectSame(folder)
    }
  }

  /// An older checkpoint; programs for other numbers of threads; a checkpoint in another folder.
  @Test func fromAnywhere() async throws {
    let problem = try SmallProblem()
    let unbroken = try await Unbroken(problem)
    try await withTemporaryFolder { folder in
      _ = try await problem.trainer(folder, steps: 30).train(from: problem.initial)
      let back = try await problem.trainer(folder, steps: 20).train(resuming: folder + "/checkpoint-00000020.safetensors")
      #expect(back.step == 20 && back.loss == nil)
      #expect(try files(folder).filter { $0.hasPrefix("checkpoint-") } == ["checkpoint-00000020.safetensors"])
      #expect(try metrics(folder).count == 24)
      #expect(try await problem.trainer(folder).train(from: problem.initial, start: .resume).step == 30)
      try unbroken.expectSame(folder)
    }
    try await withTemporaryFolder { folder in
      for (threads, steps) in [(1, 7), (3, 18), (2, 30)] {
        let problem = try SmallProblem(threads: threads)
        _ = try await problem.trainer(folder, steps: steps).train(from: problem.initial, start: .resumeWherePossible)
      }
      // The last evaluations of the parts are more than those of the whole.
      let contents = try Unbroken.contents(folder)
      #expect(
        try TrainingCheckpoint(contentsOf: folder + "/checkpoint-00000030.safetensors").state.map
          == TrainingCheckpoint(unbroken.last).state.map)
      #expect(contents.2.filter { $0.contains("\"loss\"") } == unbroken.lines.filter { $0.contains("\"loss\"") })
    }
    try await withTemporaryFolder { folder in
      let problem = try SmallProblem()
      _ = try await problem.trainer(folder + "/first", steps: 10).train(from: problem.initial)
      _ = try await problem.trainer(folder + "/third", steps: 5).train(from: problem.initial)
      let other = await message {
        try await problem.trainer(folder + "/third").train(resuming: folder + "/first/checkpoint-00000010.safetensors")
      }
      #expect(other.contains("for a new run, which has checkpoints up to step 5"), "\(other)")
      let result = try await problem.trainer(folder + "/second").train(
        resuming: folder + "/first/checkpoint-00000010.safetensors")
      #expect(result.step == 30)
      #expect(try Data(contentsOf: URL(fileURLWithPath: result.checkpoint)) == unbroken.last)
    }
  }

  /// Lines behind the checkpoint, and the part of one, are cut off.
  @Test func metricsGoOn() async throws {
    let problem = try SmallProblem()
    let unbroken = try await Unbroken(problem)
    try await withTemporaryFolder { folder in
      _ = try await problem.trainer(folder, steps: 10).train(from: problem.initial)
      let path = folder + "/metrics.jsonl"
      let whole = try String(contentsOfFile: path, encoding: .utf8)
      try (whole + "{\"step\": 11, \"epoch\": 1, \"loss\": 7}\n{\"step\": 12, \"ep").write(
        toFile: path, atomically: true, encoding: .utf8)
      _ = try await problem.trainer(folder).train(from: problem.initial, start: .resume)
      try unbroken.expectSame(folder)
      try (whole + "not JSON\n").write(toFile: path, atomically: true, encoding: .utf8)
      let text = await message { try await problem.trainer(folder, steps: 40).train(from: problem.initial, start: .resume) }
      #expect(text.contains("metrics.jsonl:13: got a line that is not an object with a step"), "\(text)")
    }
  }

  /// A run that may not go on from an older checkpoint removes nothing: where another run is in the folder, and where the metrics are
  /// damaged.
  @Test func errorsRemoveNothing() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      let oldest = folder + "/checkpoint-00000005.safetensors"
      var trainer = try problem.trainer(folder, steps: 15)
      let other = trainer
      trainer.evaluation = TrainingEvaluation(every: 15, metric: "loss") { _ in
        let before = try files(folder)
        #expect(before.contains("checkpoint-00000010.safetensors"))
        let text = await message { try await other.train(resuming: oldest) }
        #expect(text.hasSuffix("metrics.jsonl: another process writes to it"), "\(text)")
        #expect(try files(folder) == before)
        return ["loss": 1]
      }
      #expect(try await trainer.train(from: problem.initial).step == 15)
      let path = folder + "/metrics.jsonl"
      try ("not JSON\n" + String(contentsOfFile: path, encoding: .utf8)).write(toFile: path, atomically: true, encoding: .utf8)
      let before = try files(folder)
      #expect(await message { try await other.train(resuming: oldest) }.contains("metrics.jsonl:1: got a line"))
      #expect(try files(folder) == before)
    }
  }

  @Test func otherData() async throws {
    let problem = try SmallProblem()
    try await withTemporaryFolder { folder in
      _ = try await problem.trainer(folder, steps: 4).train(from: problem.initial)
      func text(_ trainer: Trainer) async -> String {
        await message { try await trainer.train(from: problem.initial, start: .resume) }
      }
      let place = "error: resuming \(folder)/checkpoint-00000004.safetensors: "
      #expect(await text(try problem.trainer(folder, batch: 7)) == place + "got batches of 7 samples, expected 8 samples as before")
      #expect(await text(try problem.trainer(folder, seed: 4)) == place + "got the seed 4 of the data, expected 3 as before")
      #expect(await text(try problem.trainer(folder, seed: nil)) == place + "got the seed none of the data, expected 3 as before")
      let other = try SmallProblem(seed: 9)
      #expect(await text(try other.trainer(folder)).hasPrefix(place + "got the dataset "))
      var trainer = try problem.trainer(folder)
      trainer.seed = 5
      #expect(await text(trainer) == place + "got the seed 5 of the run, expected 0 as before")
    }
  }
}

extension GraphState {
  /// The numbers of the map.
  fileprivate var map: [[Float]]? { try? ["map.weight", "map.bias"].map { try self[$0]!.floats() } }
}

extension TrainingCheckpoint {
  /// The checkpoint of a file's bytes.
  fileprivate init(_ data: Data) throws {
    self = try withTemporaryFolder { folder in
      try data.write(to: URL(fileURLWithPath: folder + "/file"))
      return try TrainingCheckpoint(contentsOf: folder + "/file")
    }
  }
}

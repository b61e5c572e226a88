import Foundation
import Heed
import HeedTestSupport
import Testing

/// A small problem: a map from 8 numbers to 3, learned from noisy examples, with dropout that takes the step's seed.
struct SmallProblem {
  let step: CompiledGraph
  let model: CompiledGraph
  let initial: GraphState
  let training: Subset<ArrayRows>
  let heldOut: Subset<ArrayRows>

  static func loss(_ g: GraphBuilder, dropping: Bool) -> Tensor {
    let x = g.input("x", .f32, ["B", 8])
    let kept = dropping ? select(g.uniform(x.shape, key: g.randomKey(g.input("seed", .i64, []))) < 0.9, x, 0.0) : x
    let error = Linear("map", in: g, inputs: 8, outputs: 3)(kept) - g.input("t", .f32, ["B", 3])
    return (error * error).mean().named("loss")
  }

  /// - Parameter rate: the learning rate; a large one makes evaluations worse.
  init(samples: Int = 60, seed: Int = 1, rate: Double = 0.02, threads: Int = 1) throws {
    let (graph, initializers) = try Graph.withInitializers("step") { g in
      let loss = Self.loss(g, dropping: true)
      let made = g.minimize(loss, by: AdamW(), learningRate: .constant(rate))
      return [loss, made.learningRate.named("learning_rate")]
    }
    let options = CompileOptions(threads: threads, cache: ObjectCache(directory: nil))
    step = try graph.compile(options)
    model = try Graph(building: "model") { Self.loss($0, dropping: false) }.compile(options)
    initial = try graph.initialState(initializers.arrays(for: graph, seed: 1))
    let x = NDArray.random([samples, 8], seed: seed)
    let (features, noise) = (try x.floats(), try NDArray.random([samples, 3], seed: seed + 1).floats())
    let targets = (0..<samples * 3).map { position in
      let (sample, output) = (position / 3, position % 3)
      return (0..<8).reduce(0.1 * noise[position]) { $0 + features[sample * 8 + $1] * Float($1 - output) * 0.2 }
    }
    (training, heldOut) = try ArrayRows(["x": x, "t": NDArray(targets, [samples, 3])]).split(heldOut: 0.2, seed: 1)
  }

  /// A run of 30 steps in batches of 8, with an evaluation and a checkpoint every 5.
  func trainer(_ folder: String, steps: Int = 30, batch: Int = 8, seed: UInt64? = 3) throws -> Trainer {
    var trainer = try Trainer(step, on: Batches(training, size: .samples(batch), seed: seed), length: .steps(steps), folder: folder)
    trainer.evaluation = try TrainingEvaluation(model, on: Batches(heldOut, size: .samples(5), seed: nil), every: 5)
    (trainer.checkpointInterval, trainer.progress) = (5, .none)
    return trainer
  }
}

/// The lines of a run's metrics, without what differs from run to run.
func metrics(_ folder: String) throws -> [String] {
  try String(contentsOfFile: folder + "/metrics.jsonl", encoding: .utf8).split(separator: "\n").map { line in
    String(line.replacing(/, "seconds": [-0-9.e]+/, with: ""))
  }
}

/// The names of the files in a folder, sorted.
func files(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

/// The message of the error that `body` throws; it must be one line. Fails the test where there is none.
func message(_ location: Testing.SourceLocation = #_sourceLocation, of body: () async throws -> some Any) async -> String {
  do {
    _ = try await body()
    Issue.record("no error was thrown", sourceLocation: location)
    return ""
  } catch {
    let text = (error as? HeedError)?.description ?? "not a HeedError: \(error)"
    #expect(text.hasPrefix("error: ") && !text.contains { $0.isNewline }, "\(text)", sourceLocation: location)
    return text
  }
}

/// Ends a loop from inside: cancels the task that it runs in after so many evaluations or batches.
final class Countdown: Sendable {
  private let left: Lock<Int>

  init(_ count: Int) { left = Lock(count) }

  /// Counts; cancels the current task at the last one.
  func count() {
    let isLast = left.withLock { left in
      left -= 1
      return left == 0
    }
    if isLast { withUnsafeCurrentTask { $0?.cancel() } }
  }
}

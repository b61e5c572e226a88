import Foundation
import Heed
import HeedTestSupport
import Testing

/// Training in memory.
@Suite struct LearnerTests {
  private static let options = CompileOptions(threads: 1, cache: ObjectCache(directory: nil))

  /// The small problem, whose step drops inputs by the step's seed.
  private func learner(options: CompileOptions = Self.options) throws -> Learner {
    try Learner(learningRate: 0.02, options: options) {
      SmallProblem.loss($0, dropping: true)
    } outputs: {
      [SmallProblem.loss($0, dropping: false)]
    }
  }

  /// The arrays of the first batches of a dataset, in the order in which a `Trainer` takes them.
  private func batches(_ data: some Dataset, _ count: Int, seed: UInt64? = 3) throws -> [[String: NDArray]] {
    let batches = try Batches(data, size: .samples(8), seed: seed)
    var (position, arrays) = (DataPosition.start, [[String: NDArray]]())
    for _ in 0..<count {
      let batch = try batches.batch(at: position)
      arrays.append(batch.arrays)
      position = batch.next
    }
    return arrays
  }

  private func bits(_ state: GraphState) throws -> [String: [UInt64]] {
    try state.arrays.mapValues { $0.element == .i64 ? try $0.ints().map { UInt64($0) } : try $0.doubles().map(\.bitPattern) }
  }

  private func message(of body: () throws -> some Any) -> String {
    do {
      _ = try body()
      return "no error"
    } catch { return "\((error as? HeedError)?.message ?? "\(error)")" }
  }

  /// Losses and weights are those of `Trainer` on the same batches, to the bit.
  @Test func isTheTrainerWithoutFiles() async throws {
    let problem = try SmallProblem()
    let batches = try batches(problem.training, 30)
    let (model, losses) = try learner().train(steps: 30, seed: 1) { batches[$0] }
    try await withTemporaryFolder { folder in
      var trainer = try problem.trainer(folder)
      trainer.seed = 1
      let result = try await trainer.train(from: problem.initial)
      #expect(try bits(result.state) == bits(model.state) && model.state.names.contains("map.weight"))
      let written = try metrics(folder).compactMap { line in
        line.firstMatch(of: /"loss": ([-0-9.e]+)/).map { Float($0.output.1) }
      }
      #expect(written == losses.map { Float($0) } && losses.count == 30)
    }
  }

  @Test func aRerunHasTheSameBits() throws {
    let batches = try batches(SmallProblem().training, 12)
    let first = try learner().train(steps: 12, seed: 4) { batches[$0] }
    for threads in [1, 3] {
      let again = try learner(options: CompileOptions(threads: threads, cache: ObjectCache(directory: nil)))
        .train(steps: 12, seed: 4) { batches[$0] }
      #expect(try bits(again.model.state) == bits(first.model.state) && again.losses == first.losses)
    }
    let other = try learner().train(steps: 12, seed: 5) { batches[$0] }
    #expect(other.losses != first.losses)
    // Seeds of any integer type; a negative one is a seed like others.
    #expect(try learner().train(steps: 1, seed: -1) { batches[$0] }.losses.count == 1)
  }

  /// The model is the outputs' graph with the weights, at the end and wherever it is observed.
  @Test func modelsAreOfTheirStep() throws {
    let problem = try SmallProblem()
    let batches = try batches(problem.training, 7)
    var seen: [(made: Int, loss: Double)] = []
    let (model, _) = try learner().train(
      steps: 7, seed: 1, observing: 3,
      observe: { made, model in
        seen.append((made, try model(batches[0]).array().double()))
      }
    ) { batches[$0] }
    for (made, loss) in seen {
      #expect(try learner().train(steps: made, seed: 1) { batches[$0] }.model(batches[0]).array().double() == loss)
    }
    #expect(seen.map(\.made) == [3, 6])
    let program = try problem.model.load(model.state)
    let expected: NDArray = try program(batches[0])
    #expect(try model(batches[0]).array().double() == expected.double() && model.program != nil)
    // Without a step it is the model that was not trained.
    let untrained = try learner().train(steps: 0, seed: 1) { _ in [:] }
    #expect(untrained.losses.isEmpty)
    #expect(try untrained.model.state["map.weight"]!.floats() == problem.initial["map.weight"]!.floats())
  }

  /// What a training leaves is where another goes on; weights alone begin it too.
  @Test func trainingGoesOn() throws {
    let batches = try batches(SmallProblem().training, 9)
    // Without dropout: its numbers follow from the number of a step in its call.
    let learner = try Learner(learningRate: .cosine(from: 0.1, to: 0.01, over: 9), options: Self.options) {
      SmallProblem.loss($0, dropping: false)
    }
    let whole = try learner.train(steps: 9, seed: 1) { batches[$0] }
    let half = try learner.train(steps: 4, seed: 1) { batches[$0] }
    let rest = try learner.train(steps: 5, seed: 8, from: half.model.state) { batches[4 + $0] }
    #expect(try bits(rest.model.state) == bits(whole.model.state) && half.losses + rest.losses == whole.losses)
    // The state that was passed is as it was.
    #expect(try half.model.state["optimizer.steps"]!.int() == 4)

    let pretrained = GraphState(["map.weight": .ones([3, 8])])
    let begun = try learner.train(steps: 0, seed: 1, from: pretrained) { _ in [:] }.model.state
    #expect(try begun["map.weight"]!.floats() == [Float](repeating: 1, count: 24))
    #expect(try begun["map.bias"]!.floats() == learner.train(steps: 0, seed: 1) { _ in [:] }.model.state["map.bias"]!.floats())
  }

  @Test func initializersMayBeChanged() throws {
    var learner = try learner()
    learner.initializers["*.weight"] = .constant(0.5)
    let state = try learner.train(steps: 0, seed: 1) { _ in [:] }.model.state
    #expect(try state["map.weight"]!.floats() == [Float](repeating: 0.5, count: 24))
  }

  /// A step of one's own: several numbers, and weights that are averaged.
  @Test func stepsOfOnesOwn() throws {
    let batches = try batches(SmallProblem().training, 5)
    let learner = try Learner(
      options: Self.options,
      step: { g in
        let loss = SmallProblem.loss(g, dropping: true)
        let step = g.minimize(loss, by: SGD(), learningRate: 0.05, averaging: 0.9)
        return [step.gradientNorm.named("norm"), loss]
      })
    let (model, losses) = try learner.train(steps: 5, seed: 2) { batches[$0] }
    let plain = try Learner(SGD(), learningRate: 0.05, options: Self.options) { SmallProblem.loss($0, dropping: true) }
    let expected = try plain.train(steps: 5, seed: 2) { batches[$0] }
    #expect(losses == expected.losses)
    #expect(try model.state["map.weight"]!.floats() == expected.model.state["map.weight"]!.floats())
    #expect(model.state["average.map.weight"]?.shape == [3, 8])
  }

  @Test func mistakes() throws {
    let problem = try SmallProblem()
    let batches = try batches(problem.training, 3)
    let learner = try learner()
    #expect(message { try learner.train(steps: -1, seed: 1) { batches[$0] } } == "train: got -1 steps, expected at least 0")
    #expect(
      message { try learner.train(steps: 1, seed: 1, observing: 0, observe: { _, _ in }) { batches[$0] } }
        == "train: got an observation every 0 steps, expected at least 1")
    #expect(
      message { try learner.train(steps: 3, seed: 1) { $0 == 1 ? ["x": batches[1]["x"]!] : batches[$0] } }
        == "step 2: got no input 't', expected one of type f32[B, 3]")
    #expect(message { try learner.train(steps: 3, seed: 1) { _ in throw HeedError("no more data") } } == "step 1: no more data")
    #expect(
      message {
        let nan = try NDArray([Float](repeating: .nan, count: 24), [8, 3])
        return try learner.train(steps: 3, seed: 1) { $0 == 2 ? batches[2].merging(["t": nan]) { $1 } : batches[$0] }
      } == "step 3: got the loss nan, expected a finite number")
    #expect(
      message { try learner.train(steps: 1, seed: 1, from: GraphState(["map.bias": .zeros([4])])) { batches[$0] } }.hasPrefix(
        "step 1: ")
    )

    let mute = try Learner(learningRate: 0.02, options: Self.options) { SmallProblem.loss($0, dropping: true) }
    let model = try mute.train(steps: 1, seed: 1) { batches[$0] }.model
    #expect(
      message { try model(batches[0]) } == "got a call of a model without outputs, expected a Learner with outputs:")
    #expect(model.program == nil)

    func made(_ body: @escaping (GraphBuilder) -> [Tensor]) -> String {
      message { try Learner(options: Self.options, step: body) }
    }
    #expect(
      made { [SmallProblem.loss($0, dropping: false)] } == "got a step that replaces nothing, expected one that calls minimize")
    #expect(
      made { g in
        let loss = SmallProblem.loss(g, dropping: false)
        g.minimize(loss, by: SGD(), learningRate: 0.1)
        return [(loss * 2).named("a"), (loss * 3).named("b")]
      } == "got 'a', 'b' among the results of step, expected one called 'loss', or only one")
    // A mistake has the line of the closure, and one of the loss that of the learner.
    do {
      _ = try Learner(learningRate: 0.1, options: Self.options) { g in
        SmallProblem.loss(g, dropping: false) + g.parameter("w", .f32, [3])
      }
      Issue.record("no error was thrown")
    } catch {
      #expect("\(error)".contains("LearnerTests.swift"), "\(error)")
      #expect("\(error)".contains("minimize: got the loss "), "\(error)")
    }
  }
}

// Trains a small language model on a text. Stop it as you like (Ctrl-C, kill -9, a full disk) and run it again: it goes on, and ends
// with the bits of a run that never stopped.

import ArgumentParser
import Foundation
import Heed

@main
struct Training: AsyncParsableCommand {
  @ArgumentParser.Argument(help: "The text, in UTF-8.") var text: String
  @ArgumentParser.Argument(help: "Where checkpoints, metrics and the loss curve are written.") var folder: String
  @Option(help: "The number of steps.") var steps = 300
  @Option(help: "The layers of the model.") var layers = 2
  @Option(help: "The features of a token; 4 heads divide them.") var width = 64
  @Option(help: "The windows of 32 bytes in a batch.") var batch = 16
  @Option(help: "The steps from one checkpoint to the next.") var checkpointEvery = 50

  mutating func run() async throws {
    do { try await train() } catch let error as HeedError {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      throw ExitCode.failure
    }
  }

  private func train() async throws {
    let model = LanguageModel(layers: layers, width: width, length: 32)
    let (step, initializers) = try Graph.withInitializers("step") { g in
      for name in ["tokens.weight", "positions.weight"] as [NamePattern] { g.initializers[name] = .normal(deviation: 0.02) }
      let loss = model.loss(g)
      let schedule = LearningRate.cosine(from: 3e-3, to: 3e-4, over: steps).warmedUp(over: 20)
      let made = g.minimize(loss, by: AdamW(), learningRate: schedule, clippingNorm: 1)
      return [loss, made.learningRate.named("learning_rate"), made.gradientNorm.named("gradient_norm")]
    }
    let evaluation = try Graph(building: "evaluation") { model.loss($0) }

    // The end of the text is held out.
    let windows = try TokenWindows(ByteTokenizer().encode(file: text), length: model.length)
    let (training, heldOut) = try windows.split(heldOut: 0.1, seed: nil)

    var trainer = try Trainer(
      step.compile(), on: Batches(training, size: .samples(batch), seed: 1), length: .steps(steps), folder: folder)
    trainer.evaluation = try TrainingEvaluation(
      evaluation.compile(), on: Batches(heldOut, size: .samples(batch), seed: nil), every: checkpointEvery)
    trainer.checkpointInterval = checkpointEvery
    trainer.title = "A language model of \(layers) layers on \(text)"
    trainer.lossUnit = "nats per byte"
    trainer.handlesSignals = true
    trainer.resumeCommand = CommandLine.arguments.joined(separator: " ")

    let weights = try initializers.arrays(for: step, seed: 1)
    let result = try await trainer.train(from: step.initialState(weights), start: .resumeWherePossible)
    if case .interrupted(let signal) = result.end { throw ExitCode(signal == "SIGINT" ? 130 : 143) }
    if let best = result.best {
      print("best evaluation: \(best.value) nats per byte, after step \(best.step); curve: \(folder)/loss.svg")
    }
  }
}

import ArgumentParser
import Heed
import HeedRecipes

/// `heed train`: runs a recipe.
struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains a graph or fine-tunes a sentence encoder, as a recipe in YAML says.",
    discussion: """
      The run's folder gets checkpoints, metrics.jsonl and loss.svg. An interrupt finishes the step and saves; --resume goes on from the last \
      checkpoint, with the bits of a run that never stopped. At the end the trained weights are written, and what was measured on held-out \
      data before and after is printed. The keys of a recipe are in docs/recipes.md.
      """)

  @ArgumentParser.Argument(help: "A recipe, a YAML file.") var recipe: String
  @Option(help: "A folder of a model, in place of the recipe's.") var model: String?
  @Option(help: "Where the trained weights go, in place of the recipe's output.") var output: String?
  @Option(help: "Determines the order of samples and all that is random, in place of the recipe's seed.") var seed: UInt64?
  @Flag(help: "Go on from the last checkpoint of the run's folder.") var resume = false
  @Option(help: "Without a terminal, a line of progress is printed every so many steps.") var report = 10
  @OptionGroup var threads: ThreadsOption

  func validate() throws {
    if report < 1 { throw ValidationError("got --report \(report), expected at least 1") }
  }

  func run() async throws {
    var recipe = try Recipe(contentsOf: recipe)
    if let model { try recipe.setModel(model) }
    if let output { recipe.output = output }
    if let seed { recipe.seed = seed }
    let outcome = try await recipe.train(start: resume ? .resume : .new, threads: threads.threads) { trainer in
      trainer.progress = .lines(every: report)
      trainer.handlesSignals = true
      trainer.resumeCommand = "\(CommandLine.arguments[0].quotedForShell) train \(options.joined(separator: " ")) --resume"
    }
    guard let output = outcome.output else {
      // As a shell reports a process that the signal ended.
      throw ExitCode(outcome.result.end == .interrupted(signal: "SIGTERM") ? 143 : 130)
    }
    if !outcome.rows.isEmpty { try printLine("\(outcome)\n") }
    try printLine("\(output): the trained weights")
  }

  /// The options that say what the run is, as a shell reads them.
  private var options: [String] {
    let named = [("--model", model), ("--output", output), ("--seed", seed.map { "\($0)" })]
    return [recipe.quotedForShell] + named.flatMap { name, value in value.map { [name, $0.quotedForShell] } ?? [] }
  }
}

extension String {
  /// The text as a shell reads it as one word.
  fileprivate var quotedForShell: String {
    let isPlain = !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=".contains($0)) }
    return isPlain ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}

internal import Heed

/// Fine-tuning of a sentence encoder on pairs.
struct EncoderRun {
  private let recipe: Recipe
  private let directory: ModelDirectory
  private let encoder: Encoder
  private let file: SafetensorsFile
  private let adaptation: LowRankAdaptation?
  private let contrast: Encoder.Contrast
  private let (training, validation, heldOut): (SentencePairs, SentencePairs?, SentencePairs?)
  private let batches: Batches<TokenPairs>
  /// The model before training, which also embeds with other weights.
  private let embedder: SentenceEmbedder
  private let options: CompileOptions

  init(_ recipe: Recipe, _ subject: EncoderRecipe, _ options: CompileOptions) throws {
    (self.recipe, self.options, contrast) = (recipe, options, subject.contrast)
    // Files of pairs first: a mistake in them is found before the model is read.
    let (pairs, seed) = (subject.pairs, recipe.seed)
    let whole = try SentencePairs(contentsOf: pairs.training, pairs)
    let (others, heldOut) = try whole.split(pairs.heldOut, pairs, seed: seed)
    (training, validation) = try others.split(pairs.validation, pairs, seed: seed)
    self.heldOut = heldOut
    guard recipe.outputs.evaluation == nil || validation != nil else {
      throw HeedError("got the key evaluation without data.validation, expected both")
    }
    directory = try ModelDirectory(path: subject.model)
    try directory.check(output: recipe.output)
    file = try directory.weights()
    let encoder = try Encoder(directory.configuration, weights: file)
    self.encoder = encoder
    adaptation = subject.lora.map { encoder.adaptation(of: $0.maps, rank: $0.rank, alpha: $0.alpha) }
    embedder = try SentenceEmbedder(model: subject.model, options: options)
    let limit = min(pairs.maximumTokens ?? .max, directory.maximumTokens)
    let tokenizer = try WordPieceTokenizer(directory: directory.path, maximumTokens: limit)
    batches = try Batches(
      TokenPairs(training.first, training.second, tokenizer: tokenizer), size: recipe.training.batch, seed: seed)
  }

  func train(_ start: TrainingStart, _ configure: (inout Trainer) -> Void) async throws -> RecipeReport {
    let calls = try recipe.training.callCount(batches)
    var adapters: [String] = []
    let (step, initializers) = try encoder.contrastGraph(name: "fine_tuning", contrast, adaptation: adaptation) { g, loss in
      adapters = g.adapters.compactMap(\.name)
      return recipe.training.minimize(loss, in: g, parameters: adaptation == nil ? nil : g.adapters, calls: calls)
    }
    let (parameters, states) = try Encoder.weights(of: step, from: file, without: Set(adapters))
    var trainer = try recipe.trainer(
      step.compile(options), on: batches, loss: "loss", parameters: parameters, evaluation: evaluation(adapters))
    configure(&trainer)
    let arrays = try initializers.arrays(for: step, seed: recipe.seed, given: states.merging(parameters) { $1 })
    let result = try await trainer.train(
      from: step.initialState(arrays.filter { parameters[$0.key] == nil }), start: start)
    return try report(result, adapters)
  }

  /// The weights of the encoder without adapters, as a state has them.
  private func weights(_ state: GraphState, _ adapters: [String]) throws -> [String: NDArray] {
    let base = try file.arrays()
    guard let adaptation else { return base.merging(recipe.training.trained(base.keys, in: state)) { $1 } }
    return try adaptation.merged(base, with: recipe.training.trained(adapters, in: state))
  }

  /// Retrieval on the validation pairs.
  private func evaluation(_ adapters: [String]) -> TrainingEvaluation? {
    guard let evaluation = recipe.outputs.evaluation, let validation else { return nil }
    var result = TrainingEvaluation(every: evaluation.interval, metric: "mean_reciprocal_rank") { state in
      let accuracy = try accuracy(on: validation, weights(state, adapters))
      return ["mean_reciprocal_rank": accuracy.meanReciprocalRank, "nearest_share": accuracy.nearestShare]
    }
    result.direction = .larger
    return result
  }

  private func accuracy(on pairs: SentencePairs, _ weights: [String: NDArray]? = nil) throws -> RetrievalAccuracy {
    let embedder = try weights.map(embedder.with) ?? embedder
    return try RetrievalAccuracy(queries: embedder.embed(pairs.first), candidates: embedder.embed(pairs.second))
  }

  private func report(_ result: TrainingResult, _ adapters: [String]) throws -> RecipeReport {
    guard let state = try recipe.finalState(result) else { return RecipeReport(result: result, rows: [], title: "", output: nil) }
    let trained = try weights(state, adapters)
    try directory.write(weights: trained, to: recipe.output)
    guard let heldOut else { return RecipeReport(result: result, rows: [], title: "", output: recipe.output) }
    let (before, after) = (try accuracy(on: heldOut), try accuracy(on: heldOut, trained))
    return RecipeReport(
      result: result,
      rows: [
        .init(name: "nearest is the partner", before: before.nearestShare, after: after.nearestShare),
        .init(name: "mean reciprocal rank", before: before.meanReciprocalRank, after: after.meanReciprocalRank),
      ], title: "\(heldOut.count) held-out pairs", output: recipe.output)
  }
}

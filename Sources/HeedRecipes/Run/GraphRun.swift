internal import Heed

/// Training of a graph of the graph language.
struct GraphRun {
  private let recipe: Recipe
  private let subject: GraphRecipe
  private let options: CompileOptions
  private let training: any Dataset
  private let heldOut: (any Dataset)?

  init(_ recipe: Recipe, _ subject: GraphRecipe, _ options: CompileOptions) throws {
    (self.recipe, self.subject, self.options) = (recipe, subject, options)
    try recipe.outputs.checkFile()
    (training, heldOut) = try subject.data.datasets(seed: recipe.seed)
    guard recipe.outputs.evaluation == nil || heldOut != nil else {
      throw HeedError("got the key evaluation without data.held_out, expected both")
    }
  }

  func train(_ start: TrainingStart, _ configure: (inout Trainer) -> Void) async throws -> RecipeReport {
    try await train(on: training, start, configure)
  }

  private func train(on dataset: some Dataset, _ start: TrainingStart, _ configure: (inout Trainer) -> Void) async throws
    -> RecipeReport
  {
    let batches = try Batches(dataset, size: recipe.training.batch, seed: recipe.seed)
    let (step, loss) = try step(calls: recipe.training.callCount(batches))
    let (parameters, state) = try initialArrays(step)
    let measured = try measured()
    let before = try numbers(measured, state.arrays.merging(parameters) { $1 })

    var trainer = try recipe.trainer(
      step.compile(options), on: batches, loss: loss, parameters: parameters, evaluation: try evaluation(measured))
    configure(&trainer)
    let result = try await trainer.train(from: state, start: start)
    guard let last = try recipe.finalState(result) else { return RecipeReport(result: result, rows: [], title: "", output: nil) }
    let names = step.states.map(\.name).filter { !$0.hasPrefix("optimizer.") && !$0.hasPrefix("average.") }
    let trained = recipe.training.trained(names, in: last)
    try GraphState(trained).write(to: recipe.output)
    let after = try numbers(measured, parameters.merging(trained) { $1 })
    return RecipeReport(
      result: result, rows: zip(before, after).map { .init(name: $0.name, before: $0.value, after: $1.value) },
      title: heldOut.map { "\($0.count) held-out samples" } ?? "", output: recipe.output)
  }

  /// What parameters and states hold before training.
  private func initialArrays(_ step: Graph) throws -> (parameters: [String: NDArray], state: GraphState) {
    var initializers = Initializers()
    for (pattern, initializer) in subject.initializers { initializers[pattern] = initializer }
    let (parameters, states) = (Set(step.parameters.map(\.name)), Set(step.states.map(\.name)))
    let given = try subject.parameters.map { try SafetensorsFile(path: $0).arrays() } ?? [:]
    let arrays = try initializers.arrays(
      for: step, seed: recipe.seed, given: given.filter { parameters.contains($0.key) || states.contains($0.key) })
    return (
      arrays.filter { parameters.contains($0.key) }, try step.initialState(arrays.filter { !parameters.contains($0.key) })
    )
  }

  /// The step, and the name of its loss.
  private func step(calls: Int) throws -> (Graph, String) {
    let position = try subject.lossPosition()
    let loss = subject.graph.resultNames[position].text
    guard recipe.training.optimizer != nil else { return (subject.graph, loss) }
    let step = try Graph(continuing: subject.graph) { g, results in
      results + recipe.training.minimize(results[position], in: g, calls: calls)
    }
    return (step, loss)
  }

  /// The graph that measures held-out data: the named one, or the recipe's own where it replaces no states.
  private func measured() throws -> CompiledGraph? {
    guard heldOut != nil else { return nil }
    if let name = recipe.outputs.evaluation?.graph {
      guard let graph = subject.graphs.first(where: { $0.name.text == name.drop { $0 == "@" } }) else {
        throw HeedError(
          "evaluation.graph: got '\(name)', expected one of \(subject.graphs.map { "@\($0.name)" }.joined(separator: ", "))")
      }
      return try graph.compile(options)
    }
    guard subject.graph.states.isEmpty else {
      guard recipe.outputs.evaluation == nil else {
        throw HeedError("got the key evaluation for a graph with states, expected evaluation.graph to name one without")
      }
      return nil
    }
    return try subject.graph.compile(options)
  }

  private func evaluation(_ program: CompiledGraph?) throws -> TrainingEvaluation? {
    guard let evaluation = recipe.outputs.evaluation, let program, let heldOut else { return nil }
    return try self.evaluation(program, on: heldOut, every: evaluation.interval)
  }

  private func evaluation(_ program: CompiledGraph, on dataset: some Dataset, every interval: Int) throws -> TrainingEvaluation {
    try TrainingEvaluation(
      program, on: Batches(dataset, size: recipe.training.batch, seed: nil), every: interval, metric: subject.loss,
      usesAverages: recipe.training.averaging != nil)
  }

  /// The means over the held-out data of the numbers that a program returns, each batch counted by its samples; none without a program.
  private func numbers(_ program: CompiledGraph?, _ weights: [String: NDArray]) throws -> [(name: String, value: Double)] {
    guard let program, let heldOut else { return [] }
    let names = Set(program.graph.parameters.map(\.name))
    let loaded = try names.isEmpty ? program : program.load(parameters: weights.filter { names.contains($0.key) })
    return try numbers(loaded, on: heldOut)
  }

  private func numbers(_ program: CompiledGraph, on dataset: some Dataset) throws -> [(name: String, value: Double)] {
    let batches = try Batches(dataset, size: recipe.training.batch, seed: nil)
    var (sums, position): ([(name: String, value: Double)], DataPosition) = ([], .start)
    while position.epoch == 0 {
      let batch = try batches.batch(at: position)
      let outputs = try program(batch.arrays)
      let values = try zip(outputs.names, outputs).filter { $1.shape.isEmpty && $1.element.isFloat }.map {
        (name: $0, value: try $1.converted(to: .f64).double() * Double(batch.samples.count) / Double(dataset.count))
      }
      sums = sums.isEmpty ? values : zip(sums, values).map { ($0.name, $0.value + $1.value) }
      position = batch.next
    }
    return sums
  }
}

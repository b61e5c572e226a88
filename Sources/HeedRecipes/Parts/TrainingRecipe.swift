internal import Heed

/// What a recipe says of the run itself: batches, steps, the optimiser.
struct TrainingRecipe {
  static let keys = [
    "optimizer", "learning_rate", "clipping_norm", "accumulate", "average", "decay", "batch", "epochs", "steps", "seed",
  ]
  /// The keys that say how parameters change.
  static let optimizerKeys = Array(keys.prefix(6))

  /// Nil where the recipe names none.
  var optimizer: (any Optimizer)?
  var learningRate: LearningRateRecipe?
  var clippingNorm: Double?
  /// The calls over which gradients are averaged.
  var accumulating = 1
  /// What a moving average of the weights keeps at each step; nil where there is none.
  var averaging: Double?
  /// The names that decay; nil for the usual ones.
  var decaying: [NamePattern]?
  var batch = BatchSize.samples(16)
  var length: Length
  var seed: UInt64 = 1

  enum Length {
    case steps(Int)
    case epochs(Int)
  }

  init(_ fields: RecipeFields) throws {
    optimizer = try fields["optimizer"].map(OptimizerRecipe.read)
    learningRate = try fields["learning_rate"].map { try LearningRateRecipe($0) }
    if optimizer != nil, learningRate == nil { _ = try fields.required("learning_rate", "a number or a schedule") }
    if optimizer == nil { try fields.exclude(Array(Self.optimizerKeys.dropFirst()), with: "no optimizer") }
    clippingNorm = try fields["clipping_norm"]?.positive()
    averaging = try fields["average"]?.number(0..<1, "a number from 0 to below 1")
    if let value = fields["accumulate"] { accumulating = try value.integer() }
    decaying = try fields["decay"]?.list().map { NamePattern(try $0.text("a pattern of names")) }
    if let value = fields["batch"] { batch = try Self.batchSize(value) }
    if let value = fields["seed"] { seed = try value.seed() }
    switch (fields["steps"], fields["epochs"]) {
    case (let steps?, nil): length = .steps(try steps.integer())
    case (nil, let epochs?): length = .epochs(try epochs.integer())
    case (_?, let epochs?): throw epochs.error("got both steps and epochs, expected one of them")
    case (nil, nil): throw fields.whole.error("got neither steps nor epochs, expected one of them")
    }
  }

  private static func batchSize(_ value: RecipeValue) throws -> BatchSize {
    guard value.isMapping else { return .samples(try value.integer()) }
    let fields = try RecipeFields(value, keys: ["tokens", "bucket"], of: "a batch")
    return .tokens(
      try fields.required("tokens", "the most tokens of a batch").integer(), bucket: try fields["bucket"]?.integer())
  }

  /// Makes a graph's loss smaller in each of its calls.
  /// - Parameter calls: how many calls the run has.
  /// - Returns: further results of the graph, which are metrics; none where the recipe names no optimiser.
  func minimize(_ loss: Tensor, in g: GraphBuilder, parameters: [Tensor]? = nil, calls: Int) -> [Tensor] {
    guard let optimizer, let learningRate else { return [] }
    let decays = decaying.map { patterns in { (name: String) in patterns.contains { $0.matches(name) } } }
    let step = g.minimize(
      loss, by: optimizer, learningRate: learningRate.schedule(over: max(1, calls / accumulating)), parameters: parameters,
      decaying: decays, clippingNorm: clippingNorm, accumulating: accumulating, averaging: averaging)
    return [step.learningRate.named("learning_rate"), step.gradientNorm.named("gradient_norm")]
  }

  /// The trained arrays of these names: their moving averages where there are such.
  func trained(_ names: some Sequence<String>, in state: GraphState) -> [String: NDArray] {
    let pairs = names.compactMap { name in
      ((averaging == nil ? nil : state["average.\(name)"]) ?? state[name]).map { (name, $0) }
    }
    return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }

  /// How many batches the run has.
  func callCount(_ batches: Batches<some Dataset>) throws -> Int {
    switch length {
    case .steps(let count): return count
    case .epochs(let count):
      if case .samples(let size) = batches.size { return count * ((batches.dataset.count + size - 1) / size) }
      var (calls, position) = (0, DataPosition.start)
      while position.epoch < count {
        position = try batches.batch(at: position).next
        calls += 1
      }
      return calls
    }
  }
}

internal import HeedIR

/// A training run as a YAML file says it: what is trained, on which data, how, and where the result goes.
///
/// ```swift
/// let recipe = try Recipe(contentsOf: "sailing.yaml")
/// let report = try await recipe.train()
/// print(report)
/// ```
///
/// A recipe has either a `graph`, a file of the graph language, or a `model`, the folder of a sentence encoder. docs/recipes.md lists keys.
/// Relative paths begin in the folder of the recipe.
public struct Recipe: Sendable {
  enum Subject: Sendable {
    case graph(GraphRecipe)
    case model(EncoderRecipe)
  }

  var subject: Subject
  var training: TrainingRecipe
  var outputs: OutputRecipe

  /// Reads a recipe, and the graph that it names.
  /// - Throws: `HeedError` of one line with file and line: a key that is not known or missing, a value of another kind or out of range.
  public init(contentsOf path: String) throws {
    try self.init(RecipeValue(contentsOf: path), RecipeFolder(ofFile: path))
  }

  init(_ value: RecipeValue, _ folder: RecipeFolder) throws {
    let kinds = try value.members("a recipe: keys with values").map { try $0.key.text() }
    let isModel = kinds.contains("model")
    let own = isModel ? EncoderRecipe.keys : GraphRecipe.keys
    guard isModel || kinds.contains("graph") else {
      throw value.error("got neither model nor graph, expected one of them")
    }
    let fields = try RecipeFields(value, keys: own + TrainingRecipe.keys + OutputRecipe.keys, of: "a recipe")
    training = try TrainingRecipe(fields)
    outputs = try OutputRecipe(fields, folder, hasGraphs: !isModel)
    if isModel {
      subject = .model(try EncoderRecipe(fields, folder))
      if training.optimizer == nil { throw value.error("got no optimizer, expected the name of one") }
    } else {
      let graph = try GraphRecipe(fields, folder)
      subject = .graph(graph)
      if training.optimizer == nil, !graph.isStep {
        throw value.error("got no optimizer, expected the name of one, or a graph that replaces its states")
      }
    }
  }

  /// Determines the order of samples, and all that is random.
  public var seed: UInt64 {
    get { training.seed }
    set { training.seed = newValue }
  }

  /// Where the trained weights go: the folder of a model, or a `.safetensors` file.
  public var output: String {
    get { outputs.output }
    set { outputs.output = newValue }
  }

  /// The folder of checkpoints, metrics and the loss curve.
  public var runFolder: String { outputs.runFolder }

  /// Trains another model of the same kind.
  /// - Throws: where the recipe has a graph.
  public mutating func setModel(_ folder: String) throws {
    guard case .model(var encoder) = subject else {
      throw HeedError("got the model \(folder) for a recipe of a graph, expected none")
    }
    encoder.model = folder
    subject = .model(encoder)
  }
}

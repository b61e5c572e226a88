internal import HeedIR

/// What a recipe says of the files that a run writes, and of when it is measured.
struct OutputRecipe {
  static let keys = ["output", "run", "checkpoints", "evaluation"]

  /// Where the trained weights go.
  var output: String
  /// Whether they are those of the best evaluation and not of the last step.
  var takesBest = false
  /// The folder of checkpoints, metrics and the loss curve; nil for one beside the output.
  private var run: String?
  /// The steps from one checkpoint to the next, and how many are kept; nil for what the trainer does.
  var checkpointInterval: Int?
  var keptCheckpointCount: Int?
  /// Nil where the run is not measured while it goes on.
  var evaluation: Evaluation?

  struct Evaluation {
    var interval: Int
    var patience: Int?
    /// The graph that measures; nil for the recipe's own.
    var graph: String?
  }

  /// - Parameter hasGraphs: whether another graph may measure.
  init(_ fields: RecipeFields, _ folder: RecipeFolder, hasGraphs: Bool) throws {
    let output = try fields.required("output", "where the trained weights go")
    run = try fields["run"].map { folder.path(try $0.text("a folder")) }
    if let value = fields["checkpoints"] {
      let parts = try RecipeFields(value, keys: ["every", "keep"], of: "checkpoints")
      checkpointInterval = try parts["every"]?.integer()
      keptCheckpointCount = try parts["keep"]?.integer()
    }
    if let value = fields["evaluation"] {
      let parts = try RecipeFields(value, keys: ["every", "patience"] + (hasGraphs ? ["graph"] : []), of: "an evaluation")
      evaluation = Evaluation(
        interval: try parts.required("every", "the steps from one evaluation to the next").integer(),
        patience: try parts["patience"]?.integer(), graph: try parts["graph"]?.text("the name of a graph"))
    }
    guard output.isMapping else {
      self.output = folder.path(try output.text("a path"))
      return
    }
    let parts = try RecipeFields(output, keys: ["path", "weights"], of: "an output")
    self.output = folder.path(try parts.required("path", "where the trained weights go").text("a path"))
    if let weights = parts["weights"] {
      takesBest = try weights.choice([("last", false), ("best", true)])
      guard !takesBest || evaluation != nil else { throw weights.error("got best without the key evaluation, expected both") }
    }
  }

  /// The folder of checkpoints, metrics and the loss curve.
  var runFolder: String { run ?? output + ".run" }
}

/// The folder of a recipe, in which its relative paths begin.
struct RecipeFolder {
  private let folder: String

  init(ofFile path: String) { folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

  func path(_ path: String) -> String { path.hasPrefix("/") ? path : folder + path }
}

internal import HeedDSL
internal import HeedIR
internal import HeedModels

/// What a recipe says of an encoder that is fine-tuned on pairs of sentences.
struct EncoderRecipe {
  static let keys = ["model", "data", "loss", "lora"]

  /// The folder of the model.
  var model: String
  var pairs: Pairs
  var contrast = Encoder.Contrast()
  /// Nil where all weights are trained.
  var lora: Lora?

  /// Pairs of sentences in JSONL or CSV files.
  struct Pairs {
    var training: String
    /// The columns of the two sentences of a pair.
    var first: String
    var second: String
    /// What evaluations during the run measure.
    var validation: HeldOutPart?
    /// What is measured before and after.
    var heldOut: HeldOutPart?
    /// The most tokens of a sentence; nil for the model's own.
    var maximumTokens: Int?
  }

  struct Lora {
    var maps: [Encoder.LinearMap]
    var rank: Int
    var alpha: Double?
  }

  init(_ fields: RecipeFields, _ folder: RecipeFolder) throws {
    model = folder.path(try fields.required("model", "the folder of a model").text("the folder of a model"))
    let data = try RecipeFields(
      fields.required("data", "the files of the pairs"),
      keys: ["training", "validation", "held_out", "first", "second", "maximum_tokens"], of: "data for a model")
    func column(_ key: String) throws -> String { try data.required(key, "the column of the \(key) sentences").text("a column") }
    pairs = Pairs(
      training: folder.path(try data.required("training", "a file of pairs").text("a file")), first: try column("first"),
      second: try column("second"), validation: try data["validation"].map { try HeldOutPart($0, folder) },
      heldOut: try data["held_out"].map { try HeldOutPart($0, folder) },
      maximumTokens: try data["maximum_tokens"]?.integer(atLeast: 2))
    if let loss = fields["loss"] { contrast = try Self.contrast(loss) }
    if let lora = fields["lora"] { self.lora = try Self.lora(lora) }
  }

  private static func contrast(_ value: RecipeValue) throws -> Encoder.Contrast {
    var contrast = Encoder.Contrast()
    guard value.isMapping else {
      return try value.choice([("infoNCE", contrast)])
    }
    let fields = try RecipeFields(value, keys: ["kind", "temperature", "symmetric"], of: "a loss")
    _ = try fields.required("kind", "infoNCE").choice([("infoNCE", ())])
    if let temperature = fields["temperature"] { contrast.temperature = try temperature.positive() }
    if let symmetric = fields["symmetric"] { contrast.isSymmetric = try symmetric.bool() }
    return contrast
  }

  private static func lora(_ value: RecipeValue) throws -> Lora {
    let fields = try RecipeFields(value, keys: ["rank", "alpha", "layers"], of: "lora")
    let maps: [(name: String, value: [Encoder.LinearMap])] = [
      ("query", [.query]), ("key", [.key]), ("value", [.value]), ("output", [.output]), ("feed_forward", [.feedForward]),
      ("all", Encoder.LinearMap.allCases),
    ]
    let chosen = try fields["layers"]?.list().flatMap { try $0.choice(maps) } ?? [.query, .value]
    return Lora(
      maps: Encoder.LinearMap.allCases.filter(chosen.contains),
      rank: try fields.required("rank", "the rank of the changes").integer(), alpha: try fields["alpha"]?.positive())
  }
}

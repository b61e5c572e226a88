internal import HeedDSL
internal import HeedIR

/// `learning_rate`: a number, or a schedule.
struct LearningRateRecipe {
  private enum Shape { case constant, linear, cosine }

  private var shape = Shape.constant
  private var first: Double
  private var last = 0.0
  /// The steps over which the rate changes; nil for those of the run after the warm-up.
  private var steps: Int?
  private var warmUp = 0

  init(_ value: RecipeValue) throws {
    guard value.isMapping else {
      first = try value.positive()
      return
    }
    let fields = try RecipeFields(value, keys: ["schedule", "from", "to", "over", "warm_up"], of: "a learning rate")
    first = try fields.required("from", "the first rate").positive()
    if let schedule = fields["schedule"] {
      shape = try schedule.choice([("constant", .constant), ("linear", .linear), ("cosine", .cosine)])
    }
    if shape == .constant { try fields.exclude(["to", "over"], with: "a constant rate") }
    if let to = fields["to"] { last = try to.number(0..., "a number of at least 0") }
    if let over = fields["over"] { steps = try over.integer() }
    if let warmUp = fields["warm_up"] { self.warmUp = try warmUp.integer(atLeast: 0) }
  }

  /// Whether the schedule depends on how long the run is.
  var needsLength: Bool { shape != .constant && steps == nil }

  /// The schedule of a run of so many steps.
  func schedule(over total: Int) -> LearningRate {
    let length = steps ?? max(1, total - warmUp)
    let rate: LearningRate =
      switch shape {
      case .constant: .constant(first)
      case .linear: .linear(from: first, to: last, over: length)
      case .cosine: .cosine(from: first, to: last, over: length)
      }
    return rate.warmedUp(over: warmUp)
  }
}

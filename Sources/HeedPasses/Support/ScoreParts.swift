import HeedIR

/// A score, and what decides whether its pair lives.
struct ScoreParts {
  var region: FunctionBuilder
  /// None depends on the score.
  var conditions: [ScalarValue] = []
  var score: ScalarValue
  var notes: [String] = []
  /// Whether there is no softmax, only a linear function of the scores.
  var isLinear = false

  init(_ value: ScalarValue, _ element: ElementType, hasSoftmax: Bool, region: FunctionBuilder) throws {
    guard hasSoftmax else {
      var split = ActivationSplit(region: region)
      let parts = try split.split(value)
      isLinear = parts.conditions.isEmpty && split.isLinear(parts.weight)
      self.region = split.region
      for condition in parts.conditions.flatMap({ split.region.conjuncts($0) }) where !conditions.contains(condition) {
        conditions.append(condition)
      }
      score = self.region.apply(.convert, [parts.weight], type: element)
      return
    }
    var split = MaskSplit(region: region)
    let parts = try split.split(value)
    self.region = split.region
    score = parts.score
    for condition in self.region.conjuncts(parts.live) {
      if self.region.function.parameters(of: condition).contains(0) {
        // It depends on the score itself, so no tile can be skipped for it.
        let dead = self.region.constant(-.infinity, self.region.function.type(score))
        score = self.region.apply(.select, [condition, score, dead])
      } else if !conditions.contains(condition) {
        conditions.append(condition)
      }
    }
    score = self.region.apply(.convert, [score], type: element)
    notes = split.notes
  }
}

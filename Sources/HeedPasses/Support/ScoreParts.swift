import HeedIR

/// A score, and what decides whether its pair lives.
struct ScoreParts {
  var region: FunctionBuilder
  /// None depends on the score.
  var conditions: [ScalarValue] = []
  var score: ScalarValue
  /// The score with its masks as written, where some of them put finite numbers: that of a dead pair.
  var written: ScalarValue?
  /// Finite constants that were taken for -inf, and ones that were not.
  var finiteFills: [Double] = []
  var keptFills: [Double] = []
  /// Whether there is no softmax, only a linear function of the scores, in which nothing else is made from both rows.
  var isLinear = false

  init(_ value: ScalarValue, _ element: ElementType, hasSoftmax: Bool, region: FunctionBuilder) throws {
    guard hasSoftmax else {
      var split = ActivationSplit(region: region)
      let parts = try split.split(value)
      isLinear = parts.conditions.isEmpty && split.isLinear(parts.weight) && !split.hasPairTerm(parts.weight)
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
    (finiteFills, keptFills) = (split.finiteFills, split.keptFills)
    if !finiteFills.isEmpty {
      let dead = conditions.count == 1 ? self.region.assumingFalse(conditions[0], in: value) : value
      written = self.region.apply(.convert, [dead], type: element)
    }
  }
}

extension ScoreParts {
  /// The most that an added number may be for the scores beside it to count: in f32 they are kept to within 2^-8.
  private static let greatestAdded = 65536.0
  /// Fills below this overflow where they are scaled.
  private static let leastFill = -1e37

  /// Brings the score of a dead pair into a form of the same softmax that is kinder to its numbers: without a number that is added to all
  /// pairs, which costs precision, and with fills that can be scaled.
  mutating func simplifyWritten() {
    guard var value = written else { return }
    if let fill = region.onlyFill(of: value, below: Self.leastFill) {
      value = region.replacing([fill: region.constant(Self.leastFill, .f32)], in: value)
    }
    while let operands = region.match(value, .add), let number = region.literal(operands[1])?.real,
      abs(number) <= Self.greatestAdded
    {
      value = operands[0]
    }
    let isNumber = region.literal(value)?.real.isFinite ?? false
    written = isNumber ? region.constant(0, region.type(value)) : value
  }
}

extension FunctionBuilder {
  /// `value` where `condition` is false.
  fileprivate mutating func assumingFalse(_ condition: ScalarValue, in value: ScalarValue) -> ScalarValue {
    var known = [condition: truth(false)]
    if let inner = match(condition, .not) { known[inner[0]] = truth(true) }
    return replacing(known, in: value)
  }

  /// The one constant of f32 below `least` that `value` is computed from, where it is taken once at most: two of them, or its double, may
  /// differ from it.
  fileprivate func onlyFill(of value: ScalarValue, below least: Double) -> ScalarValue? {
    typealias Use = (fills: Set<ScalarValue>, count: Int)
    var uses: [Use] = function.parameters.map { _ in ([], 0) }
    for index in function.parameters.count..<max(value.index + 1, function.parameters.count) {
      let instruction = function.instruction(ScalarValue(index))!
      let operands = instruction.operands.map { uses[$0.index] }
      let fills = operands.reduce(into: Set<ScalarValue>()) { $0.formUnion($1.fills) }
      switch instruction.operation {
      case .constant(let literal):
        let isFill = instruction.type == .f32 && literal.isReal && literal.real.isFinite && literal.real < least
        uses.append(isFill ? ([ScalarValue(index)], 1) : ([], 0))
      case .elementwise(.select), .elementwise(.convert): uses.append((fills, operands.map(\.count).max() ?? 0))
      case .elementwise(.add), .elementwise(.subtract): uses.append((fills, operands.map(\.count).reduce(0, +)))
      default: uses.append((fills, fills.isEmpty ? 0 : 2))
      }
    }
    let use = uses[value.index]
    return use.fills.count == 1 && use.count == 1 ? use.fills.first : nil
  }

  /// `value` with others in place of some values that it is computed from.
  fileprivate mutating func replacing(_ replacements: [ScalarValue: ScalarValue], in value: ScalarValue) -> ScalarValue {
    var known = replacements
    for index in function.parameters.count..<max(value.index + 1, function.parameters.count) {
      let old = ScalarValue(index)
      guard known[old] == nil, let instruction = function.instruction(old), case .elementwise(let op) = instruction.operation,
        instruction.operands.contains(where: { known[$0] != nil })
      else { continue }
      let new = apply(op, instruction.operands.map { known[$0] ?? $0 }, type: op.has(.typedByResult) ? instruction.type : nil)
      if new != old { known[old] = new }
    }
    return known[value] ?? value
  }
}

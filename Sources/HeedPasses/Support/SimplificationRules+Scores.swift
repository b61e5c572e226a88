package import HeedIR

extension SimplificationRules<ScalarFunction> {
  /// Rules that hold under the numeric contract for the scores of attention, with the exact ones.
  ///
  /// Constant scales of what is made from the score, parameter 0, are regrouped: `(s * a) * b` is `s * (a * b)`, `s / a` is `s * (1 / a)`.
  /// Other floats keep every rounding, since masks and places in tables may be made of them. Adding a zero of either sign changes nothing, and `x * 0` where a mask put the zero is zero, since a dead pair counts as dead whatever its score was. Constants stand on
  /// the right, comparisons are `less` and `lessEqual`, and choices between bools are `and` and `or`.
  package static var scores: Self { Self(foldsApproximations: true) { $0.simplifiedScore($1) ?? $0.exactlySimplified($1) } }
}

extension FunctionBuilder {
  /// What the rules for scores put in place of an op.
  fileprivate mutating func simplifiedScore(_ application: Application) -> ScalarValue? {
    let (op, operands, name) = (application.op, application.operands, application.name)
    if let chosen = simplifiedChoice(application) { return chosen }
    switch op {
    case .not: return simplifiedNegation(operands[0])
    case .and, .or:
      if let simpler = simplifiedJunction(op, operands) { return simpler }
    case .greater: return apply(.less, operands.reversed(), name: name)
    case .greaterEqual: return apply(.lessEqual, operands.reversed(), name: name)
    case .add, .subtract, .multiply, .divide:
      if let simpler = simplifiedArithmetic(op, operands, name: name) { return simpler }
    case .convert: return simplifiedConversion(operands[0], to: application.type)
    default: break
    }
    return op.has(.commutative) && literal(operands[0]) != nil ? apply(op, operands.reversed(), name: name) : nil
  }

  /// Selects: known conditions, equal branches, and arithmetic on chosen constants, which moves into the branches so that
  /// `(1 - convert(m)) * -10000` shows as `select(m, 0, -10000)`.
  private mutating func simplifiedChoice(_ application: Application) -> ScalarValue? {
    let (op, operands, name) = (application.op, application.operands, application.name)
    if op == .select {
      if let condition = literal(operands[0]) { return operands[condition.integer != 0 ? 1 : 2] }
      if operands[1] == operands[2] { return operands[1] }
      if let inner = match(operands[0], .not) { return apply(.select, [inner[0], operands[2], operands[1]], name: name) }
      return simplifiedChoiceOfTruths(operands)
    }
    let choices = operands.map { match($0, .select) }
    guard let condition = choices.compactMap({ $0?[0] }).first else { return nil }
    // Every operand is a constant or a choice by one condition; of unlike choices nothing is known.
    let isChoice = zip(operands, choices).map { operand, choice in
      choice.map { $0[0] == condition } ?? (literal(operand) != nil ? nil : false)
    }
    let branches: ([ScalarValue], [ScalarValue])
    if !isChoice.contains(false), op.scalar?.rule.isSelect != true {
      branches = (
        zip(operands, choices).map { operand, choice in choice?[1] ?? operand },
        zip(operands, choices).map { operand, choice in choice?[2] ?? operand }
      )
      let isFoldable = [branches.0, branches.1].contains { $0.allSatisfy { literal($0) != nil } }
      guard isFoldable else { return nil }
      let type = application.statedType
      return apply(.select, [condition, apply(op, branches.0, type: type), apply(op, branches.1, type: type)], name: name)
    }
    // A score times a mask of ones and zeros: what a dead pair had does not count.
    if op == .multiply, let position = choices.firstIndex(where: { isMask($0) }) {
      let (mask, other) = (choices[position]!, operands[1 - position])
      return apply(.select, [mask[0], mask[1], mask[2]].replacingOnes(by: other, in: self), name: name)
    }
    return nil
  }

  /// `select(c, x, false)` is `c and x`; so for the other places of a constant.
  private mutating func simplifiedChoiceOfTruths(_ operands: [ScalarValue]) -> ScalarValue? {
    guard type(operands[1]) == .bool else { return nil }
    if let right = literal(operands[2]) {
      guard right.integer != 0 else { return apply(.and, [operands[0], operands[1]]) }
      return apply(.or, [apply(.not, [operands[0]]), operands[1]])
    }
    guard let left = literal(operands[1]) else { return nil }
    if left.integer != 0 { return apply(.or, [operands[0], operands[2]]) }
    return apply(.and, [apply(.not, [operands[0]]), operands[2]])
  }

  private func isMask(_ choice: [ScalarValue]?) -> Bool {
    guard let choice, let left = literal(choice[1])?.real, let right = literal(choice[2])?.real else { return false }
    return (left == 1 && right == 0) || (left == 0 && right == 1)
  }

  private mutating func simplifiedNegation(_ operand: ScalarValue) -> ScalarValue? {
    if let inner = match(operand, .not) { return inner[0] }
    guard type(operand) == .bool else { return nil }
    if let pair = match(operand, .equal) { return apply(.notEqual, pair) }
    if let pair = match(operand, .notEqual) { return apply(.equal, pair) }
    // With a NaN neither order holds, so these are for integers.
    if let pair = match(operand, .less), !type(pair[0]).isFloat { return apply(.lessEqual, pair.reversed()) }
    if let pair = match(operand, .lessEqual), !type(pair[0]).isFloat { return apply(.less, pair.reversed()) }
    return nil
  }

  /// `and` and `or` with themselves or, for bools, with a constant.
  private mutating func simplifiedJunction(_ op: Op, _ operands: [ScalarValue]) -> ScalarValue? {
    if operands[0] == operands[1] { return operands[0] }
    guard type(operands[0]) == .bool, let position = operands.firstIndex(where: { literal($0) != nil }) else {
      return nil
    }
    let isTrue = literal(operands[position])!.integer != 0
    return isTrue == (op == .and) ? operands[1 - position] : operands[position]
  }

  private mutating func simplifiedConversion(_ operand: ScalarValue, to type: ElementType) -> ScalarValue? {
    if self.type(operand) == type { return operand }
    guard self.type(operand) == .bool else { return nil }
    return apply(.select, operand, constant(Literal(1), type), constant(Literal(0), type))
  }

  private mutating func simplifiedArithmetic(_ op: Op, _ operands: [ScalarValue], name: Name) -> ScalarValue? {
    let type = self.type(operands[0])
    var operands = operands
    if op.has(.commutative), literal(operands[0]) != nil { operands.reverse() }
    if op == .subtract, literal(operands[0])?.real == 0, type.isFloat { return apply(.negate, [operands[1]], name: name) }
    guard let right = literal(operands[1]) else { return nil }
    let isAdditive = op == .add || op == .subtract
    if right.real == (isAdditive ? 0 : 1) { return operands[0] }
    guard type.isFloat, !isAdditive, function.parameters(of: operands[0]).contains(0) else { return nil }
    if op == .divide {
      let inverse = Literal(1 / right.real).converted(to: type)!
      return inverse.real.isFinite && inverse.real != 0 && type.keepsScale(1 / right.real)
        ? apply(.multiply, [operands[0], constant(inverse, type)], name: name) : nil
    }
    if let inner = match(operands[0], .multiply), let scale = literal(inner[1]) {
      let product = type.round(scale.real * right.real)
      guard product.isFinite, product != 0, type.keepsScale(scale.real * right.real) else { return nil }
      return apply(.multiply, [inner[0], constant(product, type)], name: name)
    }
    return nil
  }
}

extension ElementType {
  /// Whether scales may be regrouped into one of this value: in 16-bit types only where that is exact.
  func keepsScale(_ value: Double) -> Bool { byteCount >= 4 || round(value) == value }
}

extension [ScalarValue] {
  /// A choice between ones and zeros, with `value` for the ones.
  fileprivate func replacingOnes(by value: ScalarValue, in builder: FunctionBuilder) -> [ScalarValue] {
    [self[0]] + dropFirst().map { builder.literal($0)?.real == 1 ? value : $0 }
  }
}

extension ScalarSemantics.Rule {
  var isSelect: Bool { if case .select = self { true } else { false } }
}

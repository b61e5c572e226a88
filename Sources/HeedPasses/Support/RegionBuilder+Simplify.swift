import HeedIR

/// The simplifications that `RegionBuilder` makes; each returns nil where it has nothing to say.
extension RegionBuilder {
  /// Selects: known conditions, equal branches, and arithmetic on chosen constants, which moves into the branches so that
  /// `(1 - convert(m)) * -10000` shows as `select(m, 0, -10000)`.
  mutating func simplifiedChoice(_ op: Op, _ operands: [ScalarValue], type: ElementType?, name: Name) throws -> ScalarValue? {
    if op == .select {
      if let condition = constant(operands[0]) { return operands[condition.integer != 0 ? 1 : 2] }
      if operands[1] == operands[2] { return operands[1] }
      if let inner = match(operands[0], .not) { return try apply(.select, [inner[0], operands[2], operands[1]], name: name) }
      return try simplifiedChoiceOfTruths(operands)
    }
    let choices = operands.map { match($0, .select) }
    guard let condition = choices.compactMap({ $0?[0] }).first else { return nil }
    // Every operand is a constant or a choice by one condition; of unlike choices nothing is known.
    let isChoice = zip(operands, choices).map { operand, choice in
      choice.map { $0[0] == condition } ?? (constant(operand) != nil ? nil : false)
    }
    let branches: ([ScalarValue], [ScalarValue])
    if !isChoice.contains(false), op.scalar?.rule.isSelect != true {
      branches = (
        zip(operands, choices).map { operand, choice in choice?[1] ?? operand },
        zip(operands, choices).map { operand, choice in choice?[2] ?? operand }
      )
      let isFoldable = [branches.0, branches.1].contains { $0.allSatisfy { constant($0) != nil } }
      guard isFoldable else { return nil }
      return try apply(.select, [condition, apply(op, branches.0, type: type), apply(op, branches.1, type: type)], name: name)
    }
    // A score times a mask of ones and zeros: what a dead pair had does not count.
    if op == .multiply, let position = choices.firstIndex(where: { isMask($0) }) {
      let (mask, other) = (choices[position]!, operands[1 - position])
      return try apply(.select, [mask[0], mask[1], mask[2]].replacingOnes(by: other, in: self), name: name)
    }
    return nil
  }

  /// `select(c, x, false)` is `c and x`; so for the other places of a constant.
  private mutating func simplifiedChoiceOfTruths(_ operands: [ScalarValue]) throws -> ScalarValue? {
    guard function.type(operands[1]) == .bool else { return nil }
    if let right = constant(operands[2]) {
      guard right.integer != 0 else { return try apply(.and, [operands[0], operands[1]]) }
      return try apply(.or, [apply(.not, [operands[0]]), operands[1]])
    }
    guard let left = constant(operands[1]) else { return nil }
    if left.integer != 0 { return try apply(.or, [operands[0], operands[2]]) }
    return try apply(.and, [apply(.not, [operands[0]]), operands[2]])
  }

  private func isMask(_ choice: [ScalarValue]?) -> Bool {
    guard let choice, let left = constant(choice[1])?.real, let right = constant(choice[2])?.real else { return false }
    return (left == 1 && right == 0) || (left == 0 && right == 1)
  }

  mutating func simplifiedNegation(_ operand: ScalarValue) throws -> ScalarValue? {
    if let inner = match(operand, .not) { return inner[0] }
    guard function.type(operand) == .bool else { return nil }
    if let pair = match(operand, .equal) { return try apply(.notEqual, pair) }
    if let pair = match(operand, .notEqual) { return try apply(.equal, pair) }
    // With a NaN neither order holds, so these are for integers.
    if let pair = match(operand, .less), !function.type(pair[0]).isFloat { return try apply(.lessEqual, pair.reversed()) }
    if let pair = match(operand, .lessEqual), !function.type(pair[0]).isFloat { return try apply(.less, pair.reversed()) }
    return nil
  }

  /// `and` and `or` with themselves or, for bools, with a constant.
  mutating func simplifiedJunction(_ op: Op, _ operands: [ScalarValue]) -> ScalarValue? {
    if operands[0] == operands[1] { return operands[0] }
    guard function.type(operands[0]) == .bool, let position = operands.firstIndex(where: { constant($0) != nil }) else {
      return nil
    }
    let isTrue = constant(operands[position])!.integer != 0
    return isTrue == (op == .and) ? operands[1 - position] : operands[position]
  }

  mutating func simplifiedConversion(_ operand: ScalarValue, to type: ElementType) throws -> ScalarValue? {
    if function.type(operand) == type { return operand }
    guard function.type(operand) == .bool else { return nil }
    return try apply(
      .select, [operand, constant(Literal(1).converted(to: type)!, type), constant(Literal(0).converted(to: type)!, type)])
  }

  mutating func simplifiedArithmetic(_ op: Op, _ operands: [ScalarValue], name: Name) throws -> ScalarValue? {
    let type = function.type(operands[0])
    var operands = operands
    if op.has(.commutative), constant(operands[0]) != nil { operands.reverse() }
    if op == .subtract, constant(operands[0])?.real == 0, type.isFloat { return try apply(.negate, [operands[1]], name: name) }
    guard let right = constant(operands[1]) else { return nil }
    let isAdditive = op == .add || op == .subtract
    if right.real == (isAdditive ? 0 : 1) { return operands[0] }
    guard type.isFloat, !isAdditive else { return nil }
    if op == .divide {
      let inverse = Literal(1 / right.real).converted(to: type)!
      return inverse.real.isFinite && inverse.real != 0 && type.keepsScale(1 / right.real)
        ? try apply(.multiply, [operands[0], constant(inverse, type)], name: name) : nil
    }
    if let inner = match(operands[0], .multiply), let scale = constant(inner[1]) {
      let product = type.round(scale.real * right.real)
      guard product.isFinite, product != 0, type.keepsScale(scale.real * right.real) else { return nil }
      return try apply(.multiply, [inner[0], constant(product, type)], name: name)
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
  fileprivate func replacingOnes(by value: ScalarValue, in builder: RegionBuilder) -> [ScalarValue] {
    [self[0]] + dropFirst().map { builder.constant($0)?.real == 1 ? value : $0 }
  }
}

extension ScalarSemantics.Rule {
  var isSelect: Bool { if case .select = self { true } else { false } }
}

import HeedIR

/// Comparisons of numbers over a rectangle, or over an octagon in it.
extension IntervalExtensionBuilder {
  /// Keeps the pairs where a comparison of linear forms holds.
  /// - Returns: false where the part is not such a comparison, or does not have the form of an octagon's bound.
  mutating func narrow(_ octagon: inout Octagon, _ part: Conjunct) -> Bool {
    guard termBounds[part.value] == nil, let instruction = condition.instruction(part.value),
      case .elementwise(let op) = instruction.operation, let comparison = Comparison(op, part.want),
      condition.type(instruction.operands[0]).isInteger
    else { return false }
    let numbers = instruction.operands.map { number($0, rectangle) }
    guard case (.linear(let a), .linear(let b)) = comparison.ordered(numbers[0], numbers[1]) else { return false }
    let form = code.difference(a, b)
    guard !form.isUniform else { return false }
    var trial = octagon
    switch comparison.relation {
    case .notEqual: return false
    case .less, .lessEqual:
      guard trial.meet(code.shift(form, comparison.relation == .less ? 1 : 0), &code) else { return false }
    case .equal:
      guard trial.meet(form, &code), trial.meet(code.scale(form, -1), &code) else { return false }
      // 2 i = 3 has bounds that no number fits: they cross, or meet where nothing is.
      guard max(abs(form.query), abs(form.key)) == 1 else { return false }
    }
    octagon = trial
    return true
  }

  mutating func compared(_ op: Op, _ operands: [ScalarValue], _ want: Bool, _ octagon: Octagon) -> Possibility {
    guard let comparison = Comparison(op, want) else { return (code.truth(true), false) }
    let relation = comparison.relation
    let isFloat = condition.type(operands[0]).isFloat
    let (left, right) = (number(operands[0], octagon), number(operands[1], octagon))
    let (a, b) = comparison.ordered(left, right)
    if case .linear(let first) = a, case .linear(let second) = b {
      return compared(code.difference(first, second), relation, octagon)
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return (code.truth(true), false) }
    var condition = compare(x, y, relation)
    if isFloat {
      let areFinite = code.apply(.and, code.isFinite(x), code.isFinite(y))
      condition = code.apply(.or, condition, code.apply(.not, areFinite))
    }
    if relation == .equal {
      for (number, other) in [(a, y), (b, x)] {
        guard case .whole(_, .some(let residue)) = number, other.low == other.high else { continue }
        condition = code.apply(.and, condition, isReached(other.low, residue))
      }
    }
    return (condition, false)
  }

  /// Whether `form` can relate to 0.
  private mutating func compared(_ form: LinearForm, _ relation: Comparison.Relation, _ octagon: Octagon) -> Possibility {
    let (zero, negated) = (code.whole(0), code.apply(.subtract, code.whole(0), form.rest))
    // Each index on the side where its coefficient is positive: j <= i reads as such.
    var left = LinearForm(query: max(form.query, 0), key: max(form.key, 0), rest: zero)
    var right = LinearForm(query: max(-form.query, 0), key: max(-form.key, 0), rest: negated)
    let product = form.query.signum() * form.key.signum()
    if octagon.boundsDifference && product < 0 || octagon.boundsSum && product > 0 {
      left = LinearForm(query: form.query, key: form.key, rest: zero)
      right = LinearForm(rest: negated)
    }
    let condition = compare(octagon.bounds(left, &code), octagon.bounds(right, &code), relation)
    // Over a rectangle a linear form takes its bounds, and every number between them where a coefficient is 1.
    let isDense = form.isUniform || abs(form.query) == 1 || abs(form.key) == 1
    return (condition, octagon == rectangle && (isDense || relation == .less || relation == .lessEqual))
  }

  /// Whether some number between the dividend's bounds leaves the remainder `value`.
  private mutating func isReached(_ value: ScalarValue, _ residue: AbstractNumber.Residue) -> ScalarValue {
    let modulus = code.whole(residue.modulus)
    let most = code.apply(.divide, code.apply(.subtract, residue.dividend.high, value), modulus)
    return code.apply(.lessEqual, residue.dividend.low, code.apply(.add, code.apply(.multiply, most, modulus), value))
  }

  private mutating func compare(_ x: Bounds, _ y: Bounds, _ relation: Comparison.Relation) -> ScalarValue {
    switch relation {
    case .less: return code.apply(.less, x.low, y.high)
    case .lessEqual: return code.apply(.lessEqual, x.low, y.high)
    case .equal: return code.apply(.and, code.apply(.lessEqual, x.low, y.high), code.apply(.lessEqual, y.low, x.high))
    case .notEqual: return code.apply(.or, code.apply(.notEqual, x.low, y.high), code.apply(.notEqual, x.high, y.low))
    }
  }
}

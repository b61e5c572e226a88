import HeedIR

/// Numbers over the rectangle, or over an octagon in it.
extension IntervalExtensionBuilder {
  /// What is known of a number where the indices are in `octagon`.
  mutating func number(_ value: ScalarValue, _ octagon: Octagon) -> AbstractNumber {
    let key = NumberKey(value: value, octagon: octagon)
    if let known = numbers[key] { return known }
    let number = newNumber(value, octagon)
    numbers[key] = number
    return number
  }

  private mutating func newNumber(_ value: ScalarValue, _ octagon: Octagon) -> AbstractNumber {
    if let (term, bounds) = termBounds[value] {
      if term.boundType != .i64 { return .real(bounds) }
      return bounds.low == bounds.high ? .uniform(bounds.low) : .whole(bounds)
    }
    guard let instruction = condition.instruction(value) else {
      switch condition.parameters.count - value.index {
      case 2: return .linear(LinearForm(query: 1, rest: code.whole(0)))
      case 1: return .linear(LinearForm(key: 1, rest: code.whole(0)))
      default: return .uniform(uniform[value.index])
      }
    }
    switch instruction.operation {
    case .constant(let literal):
      guard instruction.type.isFloat else {
        // Numbers near the ends of 64 bits might leave them when they are subtracted.
        guard abs(literal.real) < 0x1p61 else { return .unknown }
        return .uniform(code.whole(Int(literal.integer)))
      }
      let end = code.constant(literal, instruction.type.boundType)
      return .real(Bounds(low: end, high: end))
    case .extent(let extent):
      guard instruction.type.isFloat else {
        return magnitudes[value] == nil ? .unknown : .uniform(code.extent(extent, .i64))
      }
      let number = code.extent(extent, instruction.type.boundType)
      return .real(Bounds(low: number, high: number))
    case .element(let table): return lookup(table, instruction, octagon)
    case .elementwise(let op):
      if instruction.type.isFloat { return real(op, instruction, octagon) }
      // What may wrap in the condition's own type is unknown.
      guard let limit = magnitudes[value] else { return .unknown }
      return whole(op, instruction, limit, octagon)
    }
  }

  mutating func bounds(_ number: AbstractNumber, _ octagon: Octagon) -> Bounds? {
    switch number {
    case .linear(let form): octagon.bounds(form, &code)
    case .whole(let bounds, _), .real(let bounds): bounds
    case .unknown: nil
    }
  }

  /// - Parameter limit: what the magnitude of the result cannot exceed.
  private mutating func whole(
    _ op: Op, _ instruction: ScalarFunction.Instruction, _ limit: Int, _ octagon: Octagon
  ) -> AbstractNumber {
    let operands = instruction.operands
    if op == Op.select { return choice(operands, octagon) }
    if op == Op.convert {
      let source = condition.type(operands[0])
      if source == .bool { return .whole(truthAsNumber(operands[0], octagon)) }
      return source.isInteger ? number(operands[0], octagon) : .unknown
    }
    let a = number(operands[0], octagon)
    guard operands.count > 1 else {
      switch op {
      case .negate: return difference(.uniform(code.whole(0)), a, octagon)
      case .not: return difference(.uniform(code.whole(-1)), a, octagon)
      case .absolute: return bounds(a, octagon).map { .whole(code.magnitude($0)) } ?? .unknown
      default: return .unknown
      }
    }
    let b = number(operands[1], octagon)
    if case .linear(let first) = a, case .linear(let second) = b, first.isUniform, second.isUniform, Self.isExactOnUniform(op) {
      return .uniform(code.apply(op, first.rest, second.rest))
    }
    switch op {
    case .add: return sum(a, b, octagon)
    case .subtract: return difference(a, b, octagon)
    case .multiply: return product(a, b, octagon)
    case .divide: return quotient(a, b, octagon)
    case .remainder: return remainder(a, b, octagon)
    case .shiftRight, .shiftLeft:
      guard let count = constant(b), (0..<31).contains(count) else { return .unknown }
      let power = AbstractNumber.uniform(code.whole(1 << count))
      return op == Op.shiftLeft ? product(a, power, octagon) : quotient(a, power, octagon)
    default: break
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    switch op {
    case .minimum, .maximum:
      return .whole(Bounds(low: code.apply(op, x.low, y.low), high: code.apply(op, x.high, y.high)))
    case .and, .or, .xor: return .whole(code.bitwise(op, x, y, limit: limit))
    default: return .unknown
    }
  }

  /// Ops whose results on numbers of neither index are computed as they are.
  private static func isExactOnUniform(_ op: Op) -> Bool {
    [Op.multiply, .divide, .remainder, .minimum, .maximum, .and, .or, .xor].contains(op)
  }

  /// The number that an operand is whatever the indices.
  private func constant(_ number: AbstractNumber) -> Int? {
    if case .linear(let form) = number { code.constant(form) } else { nil }
  }

  private mutating func sum(_ a: AbstractNumber, _ b: AbstractNumber, _ octagon: Octagon) -> AbstractNumber {
    if case .linear(let first) = a, case .linear(let second) = b { return .linear(code.sum(first, second)) }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    return .whole(code.add(x, y))
  }

  private mutating func difference(_ a: AbstractNumber, _ b: AbstractNumber, _ octagon: Octagon) -> AbstractNumber {
    if case .linear(let first) = a, case .linear(let second) = b { return .linear(code.difference(first, second)) }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    return .whole(code.subtract(x, y))
  }

  private mutating func product(_ a: AbstractNumber, _ b: AbstractNumber, _ octagon: Octagon) -> AbstractNumber {
    for (factor, other) in [(a, b), (b, a)] {
      guard let scale = constant(factor), abs(scale) < 1 << 31 else { continue }
      if case .linear(let form) = other { return .linear(code.scale(form, scale)) }
      return bounds(other, octagon).map { .whole(code.scale($0, scale)) } ?? .unknown
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    return .whole(code.corners(.multiply, x, y))
  }

  /// The divisor, positive and one number all over the rectangle; where it may not be positive, nothing is claimed.
  private mutating func divisor(_ number: AbstractNumber) -> ScalarValue? {
    guard case .linear(let form) = number, form.isUniform else { return nil }
    if let value = code.wholeConstant(form.rest) { return value > 0 ? form.rest : nil }
    escape(if: code.apply(.lessEqual, form.rest, code.whole(0)))
    return form.rest
  }

  private mutating func quotient(_ a: AbstractNumber, _ b: AbstractNumber, _ octagon: Octagon) -> AbstractNumber {
    guard let divisor = divisor(b), let x = bounds(a, octagon) else { return .unknown }
    return .whole(Bounds(low: code.apply(.divide, x.low, divisor), high: code.apply(.divide, x.high, divisor)))
  }

  /// Exact where the whole range has one quotient, else 0 ..< divisor.
  private mutating func remainder(_ a: AbstractNumber, _ b: AbstractNumber, _ octagon: Octagon) -> AbstractNumber {
    guard let divisor = divisor(b), let x = bounds(a, octagon) else { return .unknown }
    let quotients = [x.low, x.high].map { code.apply(.divide, $0, divisor) }
    let isOne = code.apply(.equal, quotients[0], quotients[1])
    let start = code.apply(.multiply, quotients[0], divisor)
    let low = code.apply(.select, isOne, code.apply(.subtract, x.low, start), code.whole(0))
    let last = code.apply(.subtract, divisor, code.whole(1))
    let high = code.apply(.select, isOne, code.apply(.subtract, x.high, start), last)
    return .whole(
      Bounds(low: low, high: high), residue: code.wholeConstant(divisor).map { AbstractNumber.Residue(dividend: x, modulus: $0) })
  }

  /// `select(condition, a, b)`: both, but for the one that cannot be chosen.
  mutating func choice(_ operands: [ScalarValue], _ octagon: Octagon) -> AbstractNumber {
    guard let a = bounds(number(operands[1], octagon), octagon), let b = bounds(number(operands[2], octagon), octagon) else {
      return .unknown
    }
    let first = canHold(operands[0], true, octagon).condition
    let second = canHold(operands[0], false, octagon).condition
    func end(_ op: Op, _ x: ScalarValue, _ y: ScalarValue) -> ScalarValue {
      code.apply(.select, first, code.apply(.select, second, code.apply(op, x, y), x), y)
    }
    let bounds = Bounds(low: end(.minimum, a.low, b.low), high: end(.maximum, a.high, b.high))
    return code.type(a.low).isFloat ? .real(bounds) : .whole(bounds)
  }

  private mutating func truthAsNumber(_ value: ScalarValue, _ octagon: Octagon) -> Bounds {
    let high = code.apply(.convert, canHold(value, true, octagon).condition, type: .i64)
    let low = code.apply(.convert, code.apply(.not, canHold(value, false, octagon).condition), type: .i64)
    return Bounds(low: low, high: high)
  }
}

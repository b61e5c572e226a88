import HeedIR

/// What the twin knows of a number of the condition, over a rectangle of indices.
enum TwinNumber {
  /// query * i + key * j + rest, exactly.
  case linear(query: Int, key: Int, rest: ScalarValue)
  /// A whole number between bounds; where it is the remainder of another, of which.
  case whole(TwinBounds, residue: Residue? = nil)
  /// A float between bounds in the type in which kernels compute, neither NaN nor infinite where the bounds are finite.
  case real(TwinBounds)
  case unknown

  /// `dividend` modulo a positive constant.
  struct Residue {
    var dividend: TwinBounds
    var modulus: Int
  }
}

/// Numbers over the rectangle, or over an octagon in it.
extension TwinAnalysis {
  /// What is known of a number where the indices are in `octagon`.
  mutating func number(_ value: ScalarValue, _ octagon: Octagon) -> TwinNumber {
    let key = NumberKey(value: value, octagon: octagon)
    if let known = numbers[key] { return known }
    let number = newNumber(value, octagon)
    numbers[key] = number
    return number
  }

  private mutating func newNumber(_ value: ScalarValue, _ octagon: Octagon) -> TwinNumber {
    if let (term, bounds) = termBounds[value] {
      if term.boundType != .i64 { return .real(bounds) }
      return bounds.low == bounds.high ? .linear(query: 0, key: 0, rest: bounds.low) : .whole(bounds)
    }
    guard let instruction = condition.instruction(value) else {
      switch condition.parameters.count - value.index {
      case 2: return .linear(query: 1, key: 0, rest: code.whole(0))
      case 1: return .linear(query: 0, key: 1, rest: code.whole(0))
      default: return .linear(query: 0, key: 0, rest: uniform[value.index])
      }
    }
    switch instruction.operation {
    case .constant(let literal):
      guard instruction.type.isFloat else {
        // Numbers near the ends of 64 bits might leave them when they are subtracted.
        guard abs(literal.real) < 0x1p61 else { return .unknown }
        return .linear(query: 0, key: 0, rest: code.whole(Int(literal.integer)))
      }
      let end = code.constant(literal, instruction.type.twinType)
      return .real(TwinBounds(low: end, high: end))
    case .element(let table): return lookup(table, instruction, octagon)
    case .elementwise(let op):
      if instruction.type.isFloat { return real(op, instruction, octagon) }
      // What may wrap in the condition's own type is unknown.
      guard let limit = magnitudes[value] else { return .unknown }
      return whole(op, instruction, limit, octagon)
    }
  }

  mutating func bounds(_ number: TwinNumber, _ octagon: Octagon) -> TwinBounds? {
    switch number {
    case .linear(let query, let key, let rest): octagon.bounds(query: query, key: key, rest: rest, &code)
    case .whole(let bounds, _), .real(let bounds): bounds
    case .unknown: nil
    }
  }

  // MARK: Whole numbers

  /// - Parameter limit: what the magnitude of the result cannot exceed.
  private mutating func whole(
    _ op: Op, _ instruction: ScalarFunction.Instruction, _ limit: Int, _ octagon: Octagon
  ) -> TwinNumber {
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
      case .negate: return difference(.linear(query: 0, key: 0, rest: code.whole(0)), a, octagon)
      case .not: return difference(.linear(query: 0, key: 0, rest: code.whole(-1)), a, octagon)
      case .absolute: return bounds(a, octagon).map { .whole(code.magnitude($0)) } ?? .unknown
      default: return .unknown
      }
    }
    let b = number(operands[1], octagon)
    switch op {
    case .add: return sum(a, b, octagon)
    case .subtract: return difference(a, b, octagon)
    case .multiply: return product(a, b, octagon)
    case .divide: return quotient(a, b, octagon)
    case .remainder: return remainder(a, b, octagon)
    case .shiftRight, .shiftLeft:
      guard let count = constant(b), (0..<31).contains(count) else { return .unknown }
      let power = TwinNumber.linear(query: 0, key: 0, rest: code.whole(1 << count))
      return op == Op.shiftLeft ? product(a, power, octagon) : quotient(a, power, octagon)
    default: break
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    switch op {
    case .minimum, .maximum:
      return .whole(TwinBounds(low: code.apply(op, x.low, y.low), high: code.apply(op, x.high, y.high)))
    case .and, .or, .xor: return .whole(code.bitwise(op, x, y, limit: limit))
    default: return .unknown
    }
  }

  /// The number that an operand is whatever the indices.
  private func constant(_ number: TwinNumber) -> Int? {
    if case .linear(0, 0, let rest) = number { code.wholeConstant(rest) } else { nil }
  }

  private mutating func sum(_ a: TwinNumber, _ b: TwinNumber, _ octagon: Octagon) -> TwinNumber {
    if case .linear(let aq, let ak, let ar) = a, case .linear(let bq, let bk, let br) = b {
      return .linear(query: aq + bq, key: ak + bk, rest: code.apply(.add, ar, br))
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    return .whole(code.add(x, y))
  }

  mutating func difference(_ a: TwinNumber, _ b: TwinNumber, _ octagon: Octagon) -> TwinNumber {
    if case .linear(let aq, let ak, let ar) = a, case .linear(let bq, let bk, let br) = b {
      return .linear(query: aq - bq, key: ak - bk, rest: code.apply(.subtract, ar, br))
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    return .whole(code.subtract(x, y))
  }

  private mutating func product(_ a: TwinNumber, _ b: TwinNumber, _ octagon: Octagon) -> TwinNumber {
    for (factor, other) in [(a, b), (b, a)] {
      guard let scale = constant(factor), abs(scale) < 1 << 31 else { continue }
      if case .linear(let query, let key, let rest) = other {
        return .linear(query: query * scale, key: key * scale, rest: code.apply(.multiply, rest, code.whole(scale)))
      }
      return bounds(other, octagon).map { .whole(code.scale($0, scale)) } ?? .unknown
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return .unknown }
    return .whole(code.corners(.multiply, x, y))
  }

  /// The divisor as a positive number that is one all over the rectangle; where it may not be positive, nothing is claimed.
  private mutating func divisor(_ number: TwinNumber) -> ScalarValue? {
    guard case .linear(0, 0, let rest) = number else { return nil }
    if let value = code.wholeConstant(rest) { return value > 0 ? rest : nil }
    escape(if: code.apply(.lessEqual, rest, code.whole(0)))
    return rest
  }

  private mutating func quotient(_ a: TwinNumber, _ b: TwinNumber, _ octagon: Octagon) -> TwinNumber {
    guard let divisor = divisor(b), let x = bounds(a, octagon) else { return .unknown }
    return .whole(TwinBounds(low: code.apply(.divide, x.low, divisor), high: code.apply(.divide, x.high, divisor)))
  }

  /// Exact where the whole range has one quotient, else 0 ..< divisor.
  private mutating func remainder(_ a: TwinNumber, _ b: TwinNumber, _ octagon: Octagon) -> TwinNumber {
    guard let divisor = divisor(b), let x = bounds(a, octagon) else { return .unknown }
    let quotients = [x.low, x.high].map { code.apply(.divide, $0, divisor) }
    let isOne = code.apply(.equal, quotients[0], quotients[1])
    let start = code.apply(.multiply, quotients[0], divisor)
    let low = code.apply(.select, isOne, code.apply(.subtract, x.low, start), code.whole(0))
    let last = code.apply(.subtract, divisor, code.whole(1))
    let high = code.apply(.select, isOne, code.apply(.subtract, x.high, start), last)
    return .whole(
      TwinBounds(low: low, high: high), residue: code.wholeConstant(divisor).map { TwinNumber.Residue(dividend: x, modulus: $0) })
  }

  /// `select(condition, a, b)`: both, but for the one that cannot be chosen.
  private mutating func choice(_ operands: [ScalarValue], _ octagon: Octagon) -> TwinNumber {
    guard let a = bounds(number(operands[1], octagon), octagon), let b = bounds(number(operands[2], octagon), octagon) else {
      return .unknown
    }
    let first = canHold(operands[0], true, octagon).condition
    let second = canHold(operands[0], false, octagon).condition
    func end(_ op: Op, _ x: ScalarValue, _ y: ScalarValue) -> ScalarValue {
      code.apply(.select, first, code.apply(.select, second, code.apply(op, x, y), x), y)
    }
    let bounds = TwinBounds(low: end(.minimum, a.low, b.low), high: end(.maximum, a.high, b.high))
    return code.type(a.low).isFloat ? .real(bounds) : .whole(bounds)
  }

  private mutating func truthAsNumber(_ value: ScalarValue, _ octagon: Octagon) -> TwinBounds {
    let high = code.apply(.convert, canHold(value, true, octagon).condition, type: .i64)
    let low = code.apply(.convert, code.apply(.not, canHold(value, false, octagon).condition), type: .i64)
    return TwinBounds(low: low, high: high)
  }

  // MARK: Floats

  /// Rounding keeps order, so bounds that are computed in the type of the results hold for results that are rounded.
  private mutating func real(_ op: Op, _ instruction: ScalarFunction.Instruction, _ octagon: Octagon) -> TwinNumber {
    let operands = instruction.operands
    let type = instruction.type.twinType
    if op == Op.select { return choice(operands, octagon) }
    guard let x = bounds(number(operands[0], octagon), octagon) else { return .unknown }
    switch op {
    case .convert:
      return .real(TwinBounds(low: code.apply(.convert, x.low, type: type), high: code.apply(.convert, x.high, type: type)))
    case .negate: return .real(TwinBounds(low: code.apply(.negate, x.high), high: code.apply(.negate, x.low)))
    case .absolute:
      let opposite = TwinBounds(low: code.apply(.negate, x.high), high: code.apply(.negate, x.low))
      let most = code.apply(.maximum, x.high, opposite.high)
      let least = code.apply(.maximum, code.apply(.maximum, x.low, opposite.low), code.constant(Literal(0.0), type))
      return .real(TwinBounds(low: least, high: most))
    default: break
    }
    guard operands.count == 2, let y = bounds(number(operands[1], octagon), octagon) else { return .unknown }
    switch op {
    case .add: return .real(code.add(x, y))
    case .subtract: return .real(code.subtract(x, y))
    case .multiply: return .real(code.corners(.multiply, x, y))
    case .minimum, .maximum:
      // A bound that is NaN or infinite must not vanish here.
      escape(if: code.apply(.not, code.apply(.and, code.isFinite(x), code.isFinite(y))))
      return .real(TwinBounds(low: code.apply(op, x.low, y.low), high: code.apply(op, x.high, y.high)))
    default: return .unknown
    }
  }
}

extension TwinCode {
  mutating func magnitude(_ bounds: TwinBounds) -> TwinBounds {
    let opposite = scale(bounds, -1)
    return TwinBounds(
      low: apply(.maximum, apply(.maximum, bounds.low, opposite.low), whole(0)),
      high: apply(.maximum, bounds.high, opposite.high))
  }

  /// The bounds of a product by those of its factors.
  mutating func corners(_ op: Op, _ x: TwinBounds, _ y: TwinBounds) -> TwinBounds {
    let ends = [(x.low, y.low), (x.low, y.high), (x.high, y.low), (x.high, y.high)].map { apply(op, $0.0, $0.1) }
    return TwinBounds(
      low: ends.dropFirst().reduce(ends[0]) { apply(.minimum, $0, $1) },
      high: ends.dropFirst().reduce(ends[0]) { apply(.maximum, $0, $1) })
  }

  /// False for bounds that are infinite or NaN.
  mutating func isFinite(_ bounds: TwinBounds) -> ScalarValue {
    let type = type(bounds.low)
    let infinity = constant(Literal(Double.infinity), type)
    return apply(.and, apply(.less, apply(.negate, infinity), bounds.low), apply(.less, bounds.high, infinity))
  }

  /// The bounds of a bitwise op by known bits: the bits that both ends share above the first in which they differ. Where a number may
  /// be negative, only that the result's magnitude is within `limit`.
  mutating func bitwise(_ op: Op, _ x: TwinBounds, _ y: TwinBounds, limit: Int) -> TwinBounds {
    let (a, b) = (knownBits(x), knownBits(y))
    let known: (ones: ScalarValue, possible: ScalarValue)
    if op == .xor {
      let unknown = apply(.or, a.unknown, b.unknown)
      let ones = apply(.and, apply(.xor, a.ones, b.ones), apply(.not, unknown))
      known = (ones, apply(.or, ones, unknown))
    } else {
      known = (apply(op, a.ones, b.ones), apply(op, apply(.or, a.ones, a.unknown), apply(.or, b.ones, b.unknown)))
    }
    let isFollowed = apply(.and, apply(.lessEqual, whole(0), x.low), apply(.lessEqual, whole(0), y.low))
    return TwinBounds(
      low: apply(.select, isFollowed, known.ones, whole(-limit)), high: apply(.select, isFollowed, known.possible, whole(limit)))
  }

  private mutating func knownBits(_ x: TwinBounds) -> (ones: ScalarValue, unknown: ScalarValue) {
    guard x.low != x.high else { return (x.low, whole(0)) }
    var unknown = apply(.xor, x.low, x.high)
    for shift in [1, 2, 4, 8, 16, 32] { unknown = apply(.or, unknown, apply(.shiftRight, unknown, whole(shift))) }
    return (apply(.and, x.low, apply(.not, unknown)), unknown)
  }
}

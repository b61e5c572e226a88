import HeedIR

/// Numbers of the condition, and what comparisons of them say of the solved index.
extension RangeSolver {
  enum Number {
    case linear(LinearForm)
    /// floor((solved index + rest) / divisor)
    case quotient(rest: ScalarValue, divisor: Int)
    /// Bounds of what does not depend on the solved index.
    case interval(Bounds)
    case unknown
  }

  mutating func number(_ instruction: ScalarFunction.Instruction, _ known: [Number], mayWrap: Bool) -> Number {
    switch instruction.operation {
    case .constant(let literal):
      return instruction.type.isInteger ? .linear(LinearForm(rest: code.whole(Int(literal.integer)))) : .unknown
    case .extent(let extent):
      return instruction.type.isInteger && !mayWrap ? .linear(LinearForm(rest: code.extent(extent, .i64))) : .unknown
    case .element: return .unknown
    case .elementwise(let op):
      guard !mayWrap else { return .unknown }
      let operands = instruction.operands.map { known[$0.index] }
      if let number = uniform(op, operands) { return number }
      switch op {
      case .convert:
        return condition.type(instruction.operands[0]).isInteger && instruction.type.isInteger ? operands[0] : .unknown
      case .add: return sum(operands[0], operands[1])
      case .subtract: return difference(operands[0], operands[1])
      case .multiply: return product(operands[0], operands[1])
      case .divide: return quotient(operands[0], operands[1])
      default: return .unknown
      }
    }
  }

  /// Ops on numbers of neither index, which are computed as they are.
  private mutating func uniform(_ op: Op, _ operands: [Number]) -> Number? {
    guard operands.count == 2, case .linear(let a) = operands[0], case .linear(let b) = operands[1], a.isUniform, b.isUniform
    else { return nil }
    switch op {
    case .multiply, .minimum, .maximum: return .linear(LinearForm(rest: code.apply(op, a.rest, b.rest)))
    case .divide:
      // Expressions of kernels divide by positive numbers.
      guard let divisor = code.constant(b), divisor > 0 else { return nil }
      return .linear(LinearForm(rest: code.apply(.divide, a.rest, b.rest)))
    default: return nil
    }
  }

  private mutating func sum(_ a: Number, _ b: Number) -> Number {
    if case .linear(let first) = a, case .linear(let second) = b { return .linear(code.sum(first, second)) }
    guard let x = bounds(a), let y = bounds(b) else { return .unknown }
    return .interval(code.add(x, y))
  }

  private mutating func difference(_ a: Number, _ b: Number) -> Number {
    if case .linear(let first) = a, case .linear(let second) = b { return .linear(code.difference(first, second)) }
    guard let x = bounds(a), let y = bounds(b) else { return .unknown }
    return .interval(code.subtract(x, y))
  }

  private mutating func product(_ a: Number, _ b: Number) -> Number {
    for (factor, other) in [(a, b), (b, a)] {
      guard case .linear(let form) = factor, let scale = code.constant(form), abs(scale) < 1 << 31,
        case .linear(let scaled) = other
      else { continue }
      return .linear(code.scale(scaled, scale))
    }
    return .unknown
  }

  private mutating func quotient(_ a: Number, _ b: Number) -> Number {
    guard case .linear(let form) = b, let divisor = code.constant(form), divisor > 0 else { return .unknown }
    if case .linear(let dividend) = a, dividend[solved] == 1, dividend[solved.opposite] == 0 {
      return .quotient(rest: dividend.rest, divisor: divisor)
    }
    guard let x = bounds(a) else { return .unknown }
    let end = code.whole(divisor)
    return .interval(Bounds(low: code.apply(.divide, x.low, end), high: code.apply(.divide, x.high, end)))
  }

  /// The bounds over the block of what does not depend on the solved index.
  private mutating func bounds(_ number: Number) -> Bounds? {
    switch number {
    case .linear(let form):
      guard form[solved] == 0 else { return nil }
      let slope = form[solved.opposite]
      let ends = [first, last].map { end in
        switch slope {
        case 0: form.rest
        case -1: code.apply(.subtract, form.rest, end)
        default: code.apply(.add, code.apply(.multiply, end, code.whole(slope)), form.rest)
        }
      }
      return slope < 0 ? Bounds(low: ends[1], high: ends[0]) : Bounds(low: ends[0], high: ends[1])
    case .interval(let bounds): return bounds
    case .quotient, .unknown: return nil
    }
  }

  // MARK: Comparisons

  /// Where a <= b + shift can hold.
  mutating func atMost(_ a: Number, _ b: Number, _ shift: Int) -> Ends {
    if case .linear(let left) = a, case .linear(let right) = b, left[solved] != right[solved] {
      // slope * solved <= the rest of b - a + shift, for some index of the block.
      let form = code.shift(code.difference(right, left), shift)
      let slope = -form[solved]
      let rest = solved == .key ? LinearForm(query: form.query, rest: form.rest) : LinearForm(key: form.key, rest: form.rest)
      guard let most = bounds(.linear(rest))?.high else { return .all }
      let limit = code.apply(.divide, most, code.whole(abs(slope)))
      return slope > 0 ? Ends(high: limit) : Ends(low: code.apply(.subtract, code.whole(0), limit))
    }
    if case .quotient(let rest, let divisor) = a, let y = bounds(b) {
      let most = code.apply(.multiply, code.shift(y.high, shift), code.whole(divisor))
      return Ends(high: code.apply(.subtract, code.shift(most, divisor - 1), rest))
    }
    if case .quotient(let rest, let divisor) = b, let x = bounds(a) {
      let least = code.apply(.multiply, code.shift(x.low, -shift), code.whole(divisor))
      return Ends(low: code.apply(.subtract, least, rest))
    }
    if case .linear(let form) = a, let slope = unitSlope(form), let y = bounds(b) {
      return slope > 0
        ? Ends(high: code.apply(.subtract, code.shift(y.high, shift), form.rest))
        : Ends(low: code.shift(code.apply(.subtract, form.rest, y.high), -shift))
    }
    if case .linear(let form) = b, let slope = unitSlope(form), let x = bounds(a) {
      return slope > 0
        ? Ends(low: code.apply(.subtract, code.shift(x.low, -shift), form.rest))
        : Ends(high: code.apply(.subtract, code.shift(form.rest, shift), x.low))
    }
    return .all
  }

  /// The coefficient of the solved index in a form of that index alone, where it is 1 or -1.
  private func unitSlope(_ form: LinearForm) -> Int? {
    form[solved.opposite] == 0 && abs(form[solved]) == 1 ? form[solved] : nil
  }
}

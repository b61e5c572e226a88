internal import HeedIR

/// Whole-number expressions: bounds, conditions, indices.
extension PhaseEmitter {
  /// An expression that is the same for all points: a bound, a condition, a `let`.
  func uniform(_ expression: IntegerExpression) throws -> LinearIndex {
    let (savedLanes, savedMask) = (lanes, mask)
    (lanes, mask) = (1, nil)
    defer { (lanes, mask) = (savedLanes, savedMask) }
    guard case .linear(let index) = try evaluate(expression), index.isUniform else {
      preconditionFailure("an expression of one value varies from lane to lane")
    }
    return index
  }

  /// A condition that is the same for all points, one bit.
  func condition(_ expression: IntegerExpression) throws -> LLVMValue {
    let value = try uniform(expression)
    if let constant = value.constant { return emitter.truth.constant(constant != 0 ? 1 : 0) }
    return builder.compare(emitter.scalar(value), .notEqual, emitter.index(0))
  }

  /// An expression for the current group of lanes: linear where its form shows that, else a vector of 64-bit integers.
  func evaluate(_ expression: IntegerExpression) throws -> LaneValue {
    switch expression {
    case .constant(let value): return .linear(LinearIndex(value))
    case .verdict(let verdict): return .linear(LinearIndex(verdict.rawValue))
    case .symbol(let name): return .linear(LinearIndex(symbols[name]!))
    case .variable(let variable):
      guard let value = variables[variable] else {
        preconditionFailure("variable %\(kernel.variables[variable.index]) is used before it has a value")
      }
      return .linear(value)
    case .value(let value): return widened(values[value.index]!, from: body.type(value))
    case .load(let access):
      let element = elementType(access.place)
      let loaded = try load(access, as: element, otherwise: nil)
      return widened(loaded, from: element)
    case .binary(let op, let a, let b): return apply(op, try evaluate(a), try evaluate(b))
    }
  }

  /// An integer of a body or buffer in 64 bits.
  private func widened(_ value: LaneValue, from element: ElementType) -> LaneValue {
    func extend(_ value: LLVMValue) -> LLVMValue {
      let bits = value.type.lane.integerBits
      if bits == 64 { return value }
      let type = emitter.like(value.type, emitter.int64)
      let isUnsigned = bits == 1 || element == .u8
      return isUnsigned ? builder.extendUnsigned(value, to: type) : builder.extendSigned(value, to: type)
    }
    switch value {
    case .linear: return value
    case .uniform(let scalar): return .linear(LinearIndex(extend(scalar)))
    case .varying(let vector): return .varying(extend(vector))
    }
  }

  private func apply(_ op: IntegerExpression.Operator, _ a: LaneValue, _ b: LaneValue) -> LaneValue {
    if case .linear(let x) = a, case .linear(let y) = b {
      if let m = x.constant, let n = y.constant, let folded = op.apply(m, n) { return .linear(LinearIndex(folded)) }
      if let result = applyLinear(op, x, y) { return .linear(result) }
    }
    return .varying(applyWide(op, vector(a), vector(b)))
  }

  /// The operator where the result is linear as well; nil where its form does not show that.
  private func applyLinear(_ op: IntegerExpression.Operator, _ x: LinearIndex, _ y: LinearIndex) -> LinearIndex? {
    switch op {
    case .add: return emitter.add(x, y)
    case .subtract: return emitter.subtract(x, y)
    case .multiply where y.isUniform: return emitter.multiply(x, by: y)
    case .multiply where x.isUniform: return emitter.multiply(y, by: x)
    case .divide, .remainder:
      if let divisor = y.constant, divisor > 0, !x.isUniform { return divideBlocks(op, x, divisor) }
    default: break
    }
    guard x.isUniform, y.isUniform else { return nil }
    let value = applyWide(op, emitter.scalar(x), emitter.scalar(y), divisor: y.constant)
    let multiple: Int
    switch op {
    case .minimum, .maximum: multiple = greatestCommonDivisor(x.knownMultiple, y.knownMultiple)
    case .divide where y.constant.map { $0 > 0 && x.knownMultiple % $0 == 0 } == true: multiple = x.knownMultiple / y.constant!
    case .remainder where y.constant != nil: multiple = greatestCommonDivisor(x.knownMultiple, y.constant!)
    default: multiple = 1
    }
    return LinearIndex(value, multiple: max(1, multiple))
  }

  /// Division of consecutive lanes within one block of the divisor: the quotient is the same in every lane, and the remainder grows
  /// with the dividend.
  private func divideBlocks(_ op: IntegerExpression.Operator, _ x: LinearIndex, _ divisor: Int) -> LinearIndex? {
    let block = greatestCommonDivisor(x.knownMultiple, divisor)
    guard let step = x.constantStep, step > 0, block > step * (lanes - 1) else { return nil }
    let first = LinearIndex(emitter.scalar(x), multiple: max(1, x.knownMultiple))
    let quotient = applyLinear(.divide, first, LinearIndex(divisor))!
    if op == .divide { return quotient }
    var remainder = applyLinear(.remainder, first, LinearIndex(divisor))!
    remainder.step = x.step
    return remainder
  }

  /// The operator on 64-bit integers, scalars or vectors; `divisor` is the right operand's value where it is known.
  private func applyWide(_ op: IntegerExpression.Operator, _ a: LLVMValue, _ b: LLVMValue, divisor: Int? = nil) -> LLVMValue {
    func number(_ condition: LLVMValue) -> LLVMValue { builder.extendUnsigned(condition, to: a.type) }
    func isTrue(_ value: LLVMValue) -> LLVMValue { builder.compare(value, .notEqual, a.type.zero) }
    switch op {
    case .add: return builder.add(a, b)
    case .subtract: return builder.subtract(a, b)
    case .multiply: return builder.multiply(a, b)
    case .divide, .remainder:
      if let divisor, divisor > 0, divisor & (divisor - 1) == 0 {
        return op == .divide
          ? builder.shiftRight(a, a.type.constant(divisor.trailingZeroBitCount)) : builder.and(a, a.type.constant(divisor - 1))
      }
      // The divisor is positive where the result is used.
      let safe = builder.select(builder.compare(b, .greater, a.type.zero), b, a.type.constant(1))
      let quotient = builder.divide(a, safe)
      let rest = builder.subtract(a, builder.multiply(quotient, safe))
      let isNegative = builder.compare(rest, .less, a.type.zero)
      return op == .divide
        ? builder.subtract(quotient, number(isNegative)) : builder.select(isNegative, builder.add(rest, safe), rest)
    case .minimum: return emitter.minimum(a, b)
    case .maximum: return emitter.maximum(a, b)
    case .less: return number(builder.compare(a, .less, b))
    case .lessEqual: return number(builder.compare(a, .lessEqual, b))
    case .equal: return number(builder.compare(a, .equal, b))
    case .notEqual: return number(builder.compare(a, .notEqual, b))
    case .and: return number(builder.and(isTrue(a), isTrue(b)))
    case .or: return number(builder.or(isTrue(a), isTrue(b)))
    case .shiftLeft: return builder.shiftLeft(a, b)
    case .shiftRight: return builder.shiftRight(a, b)
    case .bitAnd: return builder.and(a, b)
    case .bitOr: return builder.or(a, b)
    case .bitXor: return builder.exclusiveOr(a, b)
    }
  }

  /// A value of a body as a vector of the current lanes, 64-bit integers for a linear one; a scalar for one lane.
  func vector(_ value: LaneValue) -> LLVMValue {
    switch value {
    case .uniform(let scalar): lanes == 1 ? scalar : builder.broadcast(scalar, lanes)
    case .linear(let index): emitter.vector(index, lanes)
    case .varying(let vector): vector
    }
  }

  // MARK: Bounds and strides

  /// A number that the expression cannot exceed, where its form shows one.
  func upperBound(_ expression: IntegerExpression) -> Int? {
    switch expression {
    case .constant(let value): return value
    case .verdict(let verdict): return verdict.rawValue
    case .variable(let variable): return bounds[variable] ?? variables[variable]?.constant
    case .binary(.minimum, let a, let b):
      let known = [upperBound(a), upperBound(b)].compactMap { $0 }
      return known.min()
    case .binary(.add, let a, let b):
      guard let x = upperBound(a), let y = upperBound(b) else { return nil }
      return IntegerExpression.Operator.add.apply(x, y)
    case .binary(.multiply, let a, .constant(let factor)) where factor >= 0:
      return upperBound(a).flatMap { IntegerExpression.Operator.multiply.apply($0, factor) }
    case .binary(.divide, let a, .constant(let divisor)) where divisor > 0:
      return upperBound(a).flatMap { IntegerExpression.Operator.divide.apply($0, divisor) }
    case .binary(.remainder, _, .constant(let divisor)) where divisor > 0: return divisor - 1
    default: return nil
    }
  }

  /// The last number of a range from 0 to below the expression, where its form shows one.
  func upperBound(below expression: IntegerExpression) -> Int? { upperBound(expression).map { max($0, 1) - 1 } }

  /// What the expression grows by when the variable grows by 1, where that is the same everywhere; nil where it is not or its
  /// form does not show it.
  func coefficient(of variable: VariableID, in expression: IntegerExpression) -> IntegerExpression? {
    switch expression {
    case .constant, .verdict, .symbol, .value: return 0
    case .variable(let other): return other == variable ? 1 : 0
    case .load(let access):
      return access.indices.allSatisfy { coefficient(of: variable, in: $0.expression) == 0 } ? 0 : nil
    case .binary(let op, let a, let b):
      guard let x = coefficient(of: variable, in: a), let y = coefficient(of: variable, in: b) else { return nil }
      switch op {
      case .add: return x + y
      case .subtract: return x - y
      case .multiply where y == 0: return x * b
      case .multiply where x == 0: return a * y
      default: return x == 0 && y == 0 ? 0 : nil
      }
    }
  }

  /// Whether the expression mentions the variable.
  func mentions(_ variable: VariableID, _ expression: IntegerExpression) -> Bool {
    switch expression {
    case .constant, .verdict, .symbol, .value: false
    case .variable(let other): other == variable
    case .load(let access): access.indices.contains { mentions(variable, $0.expression) }
    case .binary(_, let a, let b): mentions(variable, a) || mentions(variable, b)
    }
  }
}

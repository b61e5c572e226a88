package import HeedIR

/// The bounds of a rectangle of (query, key) index pairs, all inclusive.
package struct IndexRectangle {
  var firstQuery: IntegerExpression
  var lastQuery: IntegerExpression
  var firstKey: IntegerExpression
  var lastKey: IntegerExpression
}

/// The interval twin of a boolean scalar function of indices: the same expression evaluated over a rectangle of indices instead of
/// one pair. It tells whether the function can be true, and whether it can be false, somewhere in the rectangle, and may err only
/// toward "it can".
///
/// Numbers are linear forms in the query and key index where they can be (so that their differences are exact), else intervals.
/// Integer division and remainder by positive constants, minima and maxima, comparisons and logic are followed; everything else,
/// tables among them, is unknown. Arithmetic is in 64 bits; what could wrap in the function's own type is unknown.
struct IntervalTwin {
  /// Whether the function can be true and can be false: conditions.
  struct Verdict {
    var canHold: IntegerExpression
    var canFail: IntegerExpression

    static let unknown = Verdict(canHold: 1, canFail: 1)
  }

  private enum Abstract {
    /// query * i + key * j + rest
    case linear(query: Int, key: Int, rest: IntegerExpression)
    case interval(low: IntegerExpression, high: IntegerExpression)
    case unknown
    case truth(Verdict)
  }

  private let rectangle: IndexRectangle
  /// Where `let`s go, so that the kernel's text stays short.
  private var builder: KernelBuilder
  private var block: [Statement] = []
  private var magnitudes = IndexMagnitudes()

  /// The verdict on `function` over `rectangle`; appends its definitions to `block`.
  ///
  /// - Parameter uniform: the function's leading parameters (batch indices), the same all over the rectangle. The last two
  ///   parameters are the query and key index.
  static func verdict(
    of function: ScalarFunction, over rectangle: IndexRectangle, uniform: [IntegerExpression], builder: inout KernelBuilder,
    block: inout [Statement]
  ) -> Verdict {
    var twin = IntervalTwin(rectangle: rectangle, builder: builder)
    var verdict = twin.evaluate(function, uniform)
    if let isLarge = IndexMagnitudes.canWrap(function, uniform: uniform, last: [rectangle.lastQuery, rectangle.lastKey]) {
      verdict = Verdict(canHold: .apply(.or, verdict.canHold, isLarge), canFail: .apply(.or, verdict.canFail, isLarge))
    }
    builder = twin.builder
    block += twin.block
    return verdict
  }

  private init(rectangle: IndexRectangle, builder: KernelBuilder) { (self.rectangle, self.builder) = (rectangle, builder) }

  private mutating func evaluate(_ function: ScalarFunction, _ uniform: [IntegerExpression]) -> Verdict {
    var values: [Abstract] = uniform.map { .linear(query: 0, key: 0, rest: $0) }
    values.append(.linear(query: 1, key: 0, rest: 0))
    values.append(.linear(query: 0, key: 1, rest: 0))
    magnitudes = IndexMagnitudes(indices: values.count)
    for instruction in function.instructions {
      let cannotWrap = magnitudes.append(instruction)
      switch instruction.operation {
      case .constant(let literal):
        if instruction.type == .bool {
          let holds = literal.integer != 0
          values.append(.truth(Verdict(canHold: holds ? 1 : 0, canFail: holds ? 0 : 1)))
        } else {
          values.append(instruction.type.isInteger ? .linear(query: 0, key: 0, rest: .constant(Int(literal.integer))) : .unknown)
        }
      case .element: values.append(instruction.type == .bool ? .truth(.unknown) : .unknown)
      case .elementwise(let opcode):
        let operands = instruction.operands.map { values[$0.index] }
        let result = apply(opcode.text, operands, function, instruction)
        if instruction.type == .bool {
          if case .truth = result { values.append(result) } else { values.append(.truth(.unknown)) }
        } else {
          // What could wrap in the function's own type is unknown.
          values.append(cannotWrap ? result : .unknown)
        }
      }
    }
    guard case .truth(let verdict) = values[function.results[0].index] else { return .unknown }
    return verdict
  }

  private mutating func apply(
    _ mnemonic: String, _ operands: [Abstract], _ function: ScalarFunction, _ instruction: ScalarFunction.Instruction
  ) -> Abstract {
    switch (mnemonic, operands.count) {
    case ("and", 2):
      guard case .truth(let a) = operands[0], case .truth(let b) = operands[1] else { return .unknown }
      return .truth(Verdict(canHold: .apply(.and, a.canHold, b.canHold), canFail: .apply(.or, a.canFail, b.canFail)))
    case ("or", 2):
      guard case .truth(let a) = operands[0], case .truth(let b) = operands[1] else { return .unknown }
      return .truth(Verdict(canHold: .apply(.or, a.canHold, b.canHold), canFail: .apply(.and, a.canFail, b.canFail)))
    case ("not", 1):
      guard case .truth(let a) = operands[0] else { return .unknown }
      return .truth(Verdict(canHold: a.canFail, canFail: a.canHold))
    case ("less", 2): return compare(operands[0], operands[1], .less)
    case ("less_equal", 2): return compare(operands[0], operands[1], .lessEqual)
    case ("greater", 2): return compare(operands[1], operands[0], .less)
    case ("greater_equal", 2): return compare(operands[1], operands[0], .lessEqual)
    case ("equal", 2): return compare(operands[0], operands[1], .equal)
    case ("not_equal", 2):
      guard case .truth(let a) = compare(operands[0], operands[1], .equal) else { return .unknown }
      return .truth(Verdict(canHold: a.canFail, canFail: a.canHold))
    case ("convert", 1):
      // Between integer types, where `magnitude` has seen that every value fits.
      return function.type(instruction.operands[0]).isInteger && instruction.type.isInteger ? operands[0] : .unknown
    case ("add", 2): return sum(operands[0], operands[1], sign: 1)
    case ("subtract", 2): return sum(operands[0], operands[1], sign: -1)
    case ("multiply", 2): return product(operands[0], operands[1])
    case ("divide", 2): return quotient(operands[0], operands[1])
    case ("remainder", 2): return remainder(operands[0], operands[1])
    case ("minimum", 2), ("maximum", 2):
      guard let (aLow, aHigh) = bounds(operands[0]), let (bLow, bHigh) = bounds(operands[1]) else { return .unknown }
      let op: IntegerExpression.Operator = mnemonic == "minimum" ? .minimum : .maximum
      return interval(.apply(op, aLow, bLow), .apply(op, aHigh, bHigh))
    default: return .unknown
    }
  }

  // MARK: Numbers

  private mutating func bounds(_ value: Abstract) -> (low: IntegerExpression, high: IntegerExpression)? {
    switch value {
    case .linear(let query, let key, let rest):
      var (low, high) = (rest, rest)
      for (coefficient, first, last) in [
        (query, rectangle.firstQuery, rectangle.lastQuery), (key, rectangle.firstKey, rectangle.lastKey),
      ] where coefficient != 0 {
        let scale = IntegerExpression.constant(abs(coefficient))
        if coefficient > 0 {
          (low, high) = (low + first * scale, high + last * scale)
        } else {
          (low, high) = (low - last * scale, high - first * scale)
        }
      }
      return (low, high)
    case .interval(let low, let high): return (low, high)
    case .unknown, .truth: return nil
    }
  }

  private mutating func interval(_ low: IntegerExpression, _ high: IntegerExpression) -> Abstract {
    .interval(low: builder.define("low", low, in: &block), high: builder.define("high", high, in: &block))
  }

  private mutating func sum(_ a: Abstract, _ b: Abstract, sign: Int) -> Abstract {
    if case .linear(let aq, let ak, let ar) = a, case .linear(let bq, let bk, let br) = b {
      return .linear(query: aq + sign * bq, key: ak + sign * bk, rest: sign > 0 ? ar + br : ar - br)
    }
    guard let (aLow, aHigh) = bounds(a), let (bLow, bHigh) = bounds(b) else { return .unknown }
    return sign > 0 ? interval(aLow + bLow, aHigh + bHigh) : interval(aLow - bHigh, aHigh - bLow)
  }

  private mutating func product(_ a: Abstract, _ b: Abstract) -> Abstract {
    for (factor, other) in [(a, b), (b, a)] {
      guard case .linear(0, 0, .constant(let scale)) = factor, abs(scale) < 1 << 31 else { continue }
      if case .linear(let query, let key, let rest) = other {
        return .linear(query: query * scale, key: key * scale, rest: rest * .constant(scale))
      }
    }
    return .unknown
  }

  private mutating func quotient(_ a: Abstract, _ b: Abstract) -> Abstract {
    guard case .linear(0, 0, .constant(let divisor)) = b, divisor > 0, let (low, high) = bounds(a) else { return .unknown }
    return interval(low / .constant(divisor), high / .constant(divisor))
  }

  /// Exact where the whole interval has one quotient, else 0 ..< divisor.
  private mutating func remainder(_ a: Abstract, _ b: Abstract) -> Abstract {
    guard case .linear(0, 0, .constant(let divisor)) = b, divisor > 0, let (low, high) = bounds(a) else { return .unknown }
    let scale = IntegerExpression.constant(divisor)
    let isOne = builder.define("one_quotient", .apply(.equal, low / scale, high / scale), in: &block)
    let last = IntegerExpression.constant(divisor - 1)
    return interval(isOne * (low % scale), last - isOne * (last - high % scale))
  }

  // MARK: Comparisons

  private enum Relation { case less, lessEqual, equal }

  /// Compares a with b: by the bounds of their difference where both are linear, which is exact over the rectangle.
  private mutating func compare(_ a: Abstract, _ b: Abstract, _ relation: Relation) -> Abstract {
    var (left, right) = (a, b)
    if case .linear = a, case .linear = b, case .linear(let query, let key, let rest) = sum(a, b, sign: -1) {
      // Each index on the side where its coefficient is positive: the bounds are those of the difference, and j <= i reads as such.
      left = .linear(query: max(query, 0), key: max(key, 0), rest: 0)
      right = .linear(query: max(-query, 0), key: max(-key, 0), rest: rest.negated)
    }
    guard let (aLow, aHigh) = bounds(left), let (bLow, bHigh) = bounds(right) else { return .truth(.unknown) }
    switch relation {
    case .less: return .truth(Verdict(canHold: .apply(.less, aLow, bHigh), canFail: .apply(.lessEqual, bLow, aHigh)))
    case .lessEqual: return .truth(Verdict(canHold: .apply(.lessEqual, aLow, bHigh), canFail: .apply(.less, bLow, aHigh)))
    case .equal:
      return .truth(
        Verdict(
          canHold: .apply(.and, .apply(.lessEqual, aLow, bHigh), .apply(.lessEqual, bLow, aHigh)),
          canFail: .apply(.or, .apply(.notEqual, aLow, bHigh), .apply(.notEqual, bLow, aHigh))))
    }
  }
}

extension IndexRectangle {
  /// Whether `function` can be true and can be false over a rectangle of known bounds, by its interval twin. For tests.
  package static func verdict(
    of function: ScalarFunction, queries: ClosedRange<Int>, keys: ClosedRange<Int>, uniform: [Int]
  ) -> (canHold: Bool, canFail: Bool) {
    var builder = KernelBuilder("twin")
    var block: [Statement] = []
    let rectangle = IndexRectangle(
      firstQuery: .constant(queries.lowerBound), lastQuery: .constant(queries.upperBound), firstKey: .constant(keys.lowerBound),
      lastKey: .constant(keys.upperBound))
    let verdict = IntervalTwin.verdict(
      of: function, over: rectangle, uniform: uniform.map { .constant($0) }, builder: &builder, block: &block)
    // Everything is constant, and constants are folded as expressions are made.
    return (verdict.canHold != 0, verdict.canFail != 0)
  }
}

extension IntegerExpression {
  /// 0 minus this; a difference is turned round.
  var negated: IntegerExpression {
    if case .binary(.subtract, let a, let b) = self { return b - a }
    return 0 - self
  }
}

import HeedIR

/// A run of key indices, each end unbounded where nil: outside of it a condition is known to be false for some block of queries.
struct KeyRange {
  var low: IntegerExpression?
  /// Inclusive.
  var high: IntegerExpression?

  static let all = KeyRange()

  /// Keys in both runs.
  func intersection(_ other: KeyRange) -> KeyRange {
    KeyRange(low: Self.combine(low, other.low, .maximum), high: Self.combine(high, other.high, .minimum))
  }

  /// A run that holds both.
  func hull(_ other: KeyRange) -> KeyRange {
    var hull = KeyRange.all
    if let a = low, let b = other.low { hull.low = .apply(.minimum, a, b) }
    if let a = high, let b = other.high { hull.high = .apply(.maximum, a, b) }
    return hull
  }

  private static func combine(
    _ a: IntegerExpression?, _ b: IntegerExpression?, _ op: IntegerExpression.Operator
  ) -> IntegerExpression? {
    guard let a else { return b }
    guard let b else { return a }
    return .apply(op, a, b)
  }
}

/// Solves a boolean function of indices for the key: where live tiles form one run, that run becomes the bounds of the loop over keys.
///
/// Comparisons of linear forms, and of quotients of the key by constants, are solved; conjunctions intersect, disjunctions take the
/// hull. What is not solved leaves the run unbounded. Integer arithmetic that could wrap is not followed.
struct KeyRangeSolver {
  private enum Abstract {
    /// query * i + key * j + rest
    case linear(query: Int, key: Int, rest: IntegerExpression)
    /// floor((j + rest) / divisor)
    case keyQuotient(rest: IntegerExpression, divisor: Int)
    /// Bounds of what does not depend on the key.
    case interval(low: IntegerExpression, high: IntegerExpression)
    case unknown
    /// Where it can be true, and where it can be false.
    case truth(holds: KeyRange, fails: KeyRange)
  }

  private let firstQuery: IntegerExpression
  private let lastQuery: IntegerExpression

  /// Numbers that do not depend on query or key and are known before the keys are visited.
  struct Uniform {
    /// The batch indices.
    var indices: [IntegerExpression]
    /// The condition's uniform whole terms, their values clamped.
    var terms: [(term: TwinTerm, value: IntegerExpression)]
  }

  /// The run of keys for queries from `firstQuery` to `lastQuery`, within the `keys` that there are. The last two parameters of
  /// `function` are the query and key index. `isLarge` is the condition of that name.
  static func solve(
    _ function: ScalarFunction, queries firstQuery: IntegerExpression, _ lastQuery: IntegerExpression, keys: IntegerExpression,
    uniform: Uniform, isLarge: IntegerExpression?
  ) -> KeyRange {
    var range = KeyRangeSolver(firstQuery: firstQuery, lastQuery: lastQuery).evaluate(function, uniform)
    if let isLarge {
      // 0 and the number of keys, where arithmetic may wrap.
      range.low = range.low.map { $0 * (1 - isLarge) }
      range.high = range.high.map { .apply(.maximum, $0, isLarge * keys) }
    }
    return range
  }

  /// Whether the runs of keys have a first one that rises with the queries or a term says: their number may be far below that of all.
  static func hasLowerEnd(_ function: ScalarFunction, _ twin: IntervalTwin) -> Bool {
    let uniform = Uniform(
      indices: function.parameters.dropLast(2).map { _ in 0 },
      terms: twin.terms.filter { $0.isUniformNumber }.map { (term: $0, value: 0) })
    return solve(function, queries: 0, 0, keys: 0, uniform: uniform, isLarge: nil).low != nil
  }

  /// The greatest magnitude of a term that is only compared: far beyond all indices, and its multiples fit 64 bits.
  private static let mostOfTerm = 1 << 40

  /// A term's value within the bounds of what is computed with.
  static func clamped(_ value: IntegerExpression) -> IntegerExpression {
    .smaller(.apply(.maximum, value, .constant(-mostOfTerm)), .constant(mostOfTerm))
  }

  /// A condition that holds where arithmetic may wrap or leave 64 bits; nil where it cannot.
  /// - Parameter last: the greatest query and key.
  static func isLarge(_ function: ScalarFunction, _ uniform: Uniform, _ last: [IntegerExpression]) -> IntegerExpression? {
    var conditions: [IntegerExpression] = []
    if function.hasNarrowArithmetic(terms: Set(uniform.terms.map(\.term.value))) {
      let used = Set(function.instructions.flatMap(\.operands))
      let indices = uniform.indices.enumerated().filter { used.contains(function.parameter($0.offset)) }.map(\.element)
      conditions += (indices + last).map { .apply(.lessEqual, .constant(IndexMagnitudes.limit), $0) }
    }
    for (term, value) in uniform.terms {
      // A clamped value that is as large as it can be was perhaps larger.
      let limit = IntegerExpression.constant(term.entersArithmetic ? IndexMagnitudes.limit : mostOfTerm)
      conditions += [.apply(.lessEqual, value, limit.negated), .apply(.lessEqual, limit, value)]
    }
    return conditions.isEmpty ? nil : conditions.reduce(0) { .apply(.or, $0, $1) }
  }

  private func evaluate(_ function: ScalarFunction, _ uniform: Uniform) -> KeyRange {
    var values: [Abstract] = uniform.indices.map { .linear(query: 0, key: 0, rest: $0) }
    values += [.linear(query: 1, key: 0, rest: 0), .linear(query: 0, key: 1, rest: 0)]
    let terms = Dictionary(uniqueKeysWithValues: uniform.terms.map { ($0.term.value, $0.value) })
    let magnitudes = IndexMagnitudes(function, terms: Set(terms.keys))
    for instruction in function.instructions {
      let value = ScalarValue(values.count)
      let cannotWrap = magnitudes[value] != nil
      if let term = terms[value] {
        values.append(.linear(query: 0, key: 0, rest: term))
        continue
      }
      switch instruction.operation {
      case .constant(let literal):
        let isNumber = instruction.type.isInteger && instruction.type != .bool
        values.append(isNumber ? .linear(query: 0, key: 0, rest: .constant(Int(literal.integer))) : .unknown)
      case .element: values.append(.unknown)
      case .elementwise(let op):
        let result = apply(op, instruction.operands.map { values[$0.index] }, function, instruction)
        values.append(instruction.type == .bool || cannotWrap ? result : .unknown)
      }
    }
    guard case .truth(let holds, _) = values[function.results[0].index] else { return .all }
    return holds
  }

  private func apply(
    _ op: Op, _ operands: [Abstract], _ function: ScalarFunction, _ instruction: ScalarFunction.Instruction
  ) -> Abstract {
    switch op {
    case .and:
      let (a, b) = (truth(operands[0]), truth(operands[1]))
      return .truth(holds: a.holds.intersection(b.holds), fails: a.fails.hull(b.fails))
    case .or:
      let (a, b) = (truth(operands[0]), truth(operands[1]))
      return .truth(holds: a.holds.hull(b.holds), fails: a.fails.intersection(b.fails))
    case .not:
      let a = truth(operands[0])
      return .truth(holds: a.fails, fails: a.holds)
    case .lessEqual:
      return .truth(holds: atMost(operands[0], operands[1], 0), fails: atMost(operands[1], operands[0], -1))
    case .less:
      return .truth(holds: atMost(operands[0], operands[1], -1), fails: atMost(operands[1], operands[0], 0))
    case .greaterEqual:
      return .truth(holds: atMost(operands[1], operands[0], 0), fails: atMost(operands[0], operands[1], -1))
    case .greater:
      return .truth(holds: atMost(operands[1], operands[0], -1), fails: atMost(operands[0], operands[1], 0))
    case .equal: return .truth(holds: equal(operands[0], operands[1]), fails: .all)
    case .notEqual: return .truth(holds: .all, fails: equal(operands[0], operands[1]))
    case .convert:
      let isWhole = function.type(instruction.operands[0]).isInteger && instruction.type.isInteger
      return isWhole && instruction.type != .bool ? operands[0] : .unknown
    case .add: return sum(operands[0], operands[1], sign: 1)
    case .subtract: return sum(operands[0], operands[1], sign: -1)
    case .multiply: return product(operands[0], operands[1])
    case .divide: return quotient(operands[0], operands[1])
    default: return .unknown
    }
  }

  private func truth(_ value: Abstract) -> (holds: KeyRange, fails: KeyRange) {
    if case .truth(let holds, let fails) = value { (holds, fails) } else { (.all, .all) }
  }

  // MARK: Numbers

  private func sum(_ a: Abstract, _ b: Abstract, sign: Int) -> Abstract {
    if case .linear(let aq, let ak, let ar) = a, case .linear(let bq, let bk, let br) = b {
      return .linear(query: aq + sign * bq, key: ak + sign * bk, rest: sign > 0 ? ar + br : ar - br)
    }
    guard let a = bounds(a), let b = bounds(b) else { return .unknown }
    return sign > 0 ? .interval(low: a.low + b.low, high: a.high + b.high) : .interval(low: a.low - b.high, high: a.high - b.low)
  }

  private func product(_ a: Abstract, _ b: Abstract) -> Abstract {
    for (factor, other) in [(a, b), (b, a)] {
      guard case .linear(0, 0, .constant(let scale)) = factor, abs(scale) < 1 << 31,
        case .linear(let query, let key, let rest) = other
      else { continue }
      return .linear(query: query * scale, key: key * scale, rest: rest * .constant(scale))
    }
    return .unknown
  }

  private func quotient(_ a: Abstract, _ b: Abstract) -> Abstract {
    guard case .linear(0, 0, .constant(let divisor)) = b, divisor > 0 else { return .unknown }
    if case .linear(0, 1, let rest) = a { return .keyQuotient(rest: rest, divisor: divisor) }
    return bounds(a).map { .interval(low: $0.low / .constant(divisor), high: $0.high / .constant(divisor)) } ?? .unknown
  }

  /// The bounds over the queries of what does not depend on the key.
  private func bounds(_ value: Abstract) -> (low: IntegerExpression, high: IntegerExpression)? {
    switch value {
    case .linear(let query, 0, let rest):
      let ends = [firstQuery, lastQuery].map { end in
        query == 0 ? rest : query == -1 ? rest - end : end * .constant(query) + rest
      }
      return query < 0 ? (ends[1], ends[0]) : (ends[0], ends[1])
    case .interval(let low, let high): return (low, high)
    default: return nil
    }
  }

  // MARK: Comparisons

  /// Where a <= b + shift can hold.
  private func atMost(_ a: Abstract, _ b: Abstract, _ shift: Int) -> KeyRange {
    if case .linear(let aq, let ak, let ar) = a, case .linear(let bq, let bk, let br) = b, ak != bk {
      // (ak - bk) j <= (bq - aq) i + br - ar + shift, for some query of the block.
      let slope = ak - bk
      guard let most = bounds(.linear(query: bq - aq, key: 0, rest: (br - ar).shifted(by: shift)))?.high else { return .all }
      let size = IntegerExpression.constant(abs(slope))
      return slope > 0 ? KeyRange(high: most / size) : KeyRange(low: (most / size).negated)
    }
    if case .keyQuotient(let rest, let divisor) = a, let b = bounds(b) {
      return KeyRange(high: b.high.shifted(by: shift) * .constant(divisor) + .constant(divisor - 1) - rest)
    }
    if case .keyQuotient(let rest, let divisor) = b, let a = bounds(a) {
      return KeyRange(low: a.low.shifted(by: -shift) * .constant(divisor) - rest)
    }
    if case .linear(0, let slope, let rest) = a, abs(slope) == 1, let b = bounds(b) {
      return slope > 0 ? KeyRange(high: b.high.shifted(by: shift) - rest) : KeyRange(low: (rest - b.high).shifted(by: -shift))
    }
    if case .linear(0, let slope, let rest) = b, abs(slope) == 1, let a = bounds(a) {
      return slope > 0 ? KeyRange(low: a.low.shifted(by: -shift) - rest) : KeyRange(high: rest.shifted(by: shift) - a.low)
    }
    return .all
  }

  private func equal(_ a: Abstract, _ b: Abstract) -> KeyRange { atMost(a, b, 0).intersection(atMost(b, a, 0)) }
}

extension IntegerExpression {
  /// This plus a constant.
  fileprivate func shifted(by amount: Int) -> IntegerExpression {
    amount < 0 ? self - .constant(-amount) : self + .constant(amount)
  }

  /// 0 minus this; a difference is turned round.
  var negated: IntegerExpression {
    if case .constant(let value) = self { return .constant(-value) }
    if case .binary(.subtract, let a, let b) = self { return b - a }
    return 0 - self
  }
}

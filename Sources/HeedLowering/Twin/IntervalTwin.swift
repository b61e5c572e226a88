package import HeedIR

/// The interval twin of a boolean scalar function of indices: the same expression evaluated over a rectangle of (query, key) pairs
/// instead of one pair. It tells whether the function can be true, and whether it can be false, somewhere in the rectangle, and may
/// err only toward "it can".
///
/// The twin is scalar code itself: `function` takes the rectangle, the batch indices and the bounds of the condition's terms over the
/// rectangle, and yields the two answers. So one text of it is compiled into kernels, run by the interpreter and read by people.
///
/// Numbers are linear forms of the two indices where they can be, within an octagon that conjunctions narrow (bounds of i, j, i - j and
/// i + j), else intervals with residues and known bits; what reads tables of one index enters by its bounds (`TwinTerm`), tables of
/// both are looked up where few elements are meant. Arithmetic is in 64 bits. Where a number of the condition might wrap in its own
/// type, or a float might be NaN or infinite, both answers are "it can".
package struct IntervalTwin {
  /// Parameters: first and last query, first and last key (i64, inclusive), the batch indices (i64), then for each of `terms` its
  /// value if uniform, else its least and greatest value. Results: can hold, can fail.
  package let function: ScalarFunction
  package let terms: [TwinTerm]
  /// Whether a rectangle that is not ruled out surely holds a true pair, unless the twin claims nothing there.
  let isExact: Bool

  /// The twin of `condition`, whose last two parameters are the query and the key index, and the others those of the batch.
  package init(_ condition: ScalarFunction) throws {
    terms = try TwinTerm.terms(of: condition)
    var analysis = TwinAnalysis(condition, terms)
    (function, isExact) = try analysis.finish()
  }

}

/// The making of a twin.
struct TwinAnalysis {
  let condition: ScalarFunction
  let magnitudes: IndexMagnitudes
  var code: TwinCode
  /// The batch indices.
  let uniform: [ScalarValue]
  let termBounds: [ScalarValue: (term: TwinTerm, bounds: TwinBounds)]
  var numbers: [NumberKey: TwinNumber] = [:]
  private let rectangle: Octagon
  /// Where nothing is claimed.
  private var isUnknown: ScalarValue

  struct NumberKey: Hashable {
    var value: ScalarValue
    var octagon: Octagon
  }

  /// Conjunctions narrow the octagon while the code is shorter than this.
  private static let longestCode = 2000

  init(_ condition: ScalarFunction, _ terms: [TwinTerm]) {
    self.condition = condition
    typealias Parameter = ScalarFunction.Parameter
    let batch = condition.parameters.count - 2
    var parameters = ["i0", "i1", "j0", "j1"].map { Parameter($0, .i64) }
    parameters += condition.parameters.prefix(batch).map { Parameter($0.name, .i64) }
    var places: [ScalarValue: (term: TwinTerm, bounds: TwinBounds)] = [:]
    for (number, term) in terms.enumerated() {
      let low = ScalarValue(parameters.count)
      parameters.append(Parameter(term.side == .uniform ? "t\(number)" : "t\(number)_low", term.boundType))
      let high = term.side == .uniform ? low : ScalarValue(parameters.count)
      if term.side != .uniform { parameters.append(Parameter("t\(number)_high", term.boundType)) }
      places[term.value] = (term, TwinBounds(low: low, high: high))
    }
    termBounds = places
    magnitudes = IndexMagnitudes(condition, terms: Set(places.keys))
    code = TwinCode(parameters: parameters, tables: condition.tables)
    uniform = (0..<batch).map { ScalarValue(4 + $0) }
    rectangle = Octagon(
      query: TwinBounds(low: ScalarValue(0), high: ScalarValue(1)), key: TwinBounds(low: ScalarValue(2), high: ScalarValue(3)),
      &code)
    isUnknown = code.truth(false)
    if condition.hasNarrowArithmetic(terms: Set(places.keys)) {
      let used = Set(condition.instructions.flatMap(\.operands))
      let indices = uniform.indices.filter { used.contains(condition.parameter($0)) }.map { uniform[$0] }
      for index in indices + [ScalarValue(1), ScalarValue(3)] {
        escape(if: code.apply(.lessEqual, code.whole(IndexMagnitudes.limit), index))
      }
    }
    for (term, bounds) in places.values.sorted(by: { $0.term.value < $1.term.value }) where term.boundType == .i64 {
      // Numbers of 64 bits might leave them when they are subtracted.
      guard term.entersArithmetic || condition.type(term.value) == .i64 else { continue }
      let limit = term.entersArithmetic ? IndexMagnitudes.limit : 1 << 61
      escape(if: code.apply(.less, bounds.low, code.whole(-limit)))
      escape(if: code.apply(.less, code.whole(limit), bounds.high))
    }
  }

  /// Makes the twin claim nothing where a condition holds.
  mutating func escape(if condition: ScalarValue) { isUnknown = code.apply(.or, isUnknown, condition) }

  mutating func finish() throws -> (ScalarFunction, isExact: Bool) {
    let result = condition.results[0]
    let (canHold, canFail) = (canHold(result, true, rectangle), canHold(result, false, rectangle))
    let answers = [canHold.condition, canFail.condition].map { code.apply(.or, $0, isUnknown) }
    return (try code.finish(answers), canHold.isExact)
  }

  /// A condition that is false only where a truth value is nowhere `want` in the octagon, and whether it is true only where it is
  /// somewhere.
  typealias Possibility = (condition: ScalarValue, isExact: Bool)

  mutating func canHold(_ value: ScalarValue, _ want: Bool, _ octagon: Octagon) -> Possibility {
    if let (_, bounds) = termBounds[value] {
      return (
        want ? code.apply(.notEqual, bounds.high, code.whole(0)) : code.apply(.equal, bounds.low, code.whole(0)), false
      )
    }
    guard let instruction = condition.instruction(value) else { return (code.truth(true), false) }
    switch instruction.operation {
    case .constant(let literal): return (code.truth((literal.integer != 0) == want), true)
    case .element(let table): return (lookupTruth(table, instruction, want, octagon), false)
    case .elementwise(let op):
      let operands = instruction.operands
      switch op {
      case .not: return canHold(operands[0], !want, octagon)
      case .and, .or:
        return (op == Op.and) == want ? all(literals(value, want), octagon) : any(operands.map { ($0, want) }, octagon)
      case .select:
        let first = all([(operands[0], true), (operands[1], want)], octagon)
        let second = all([(operands[0], false), (operands[2], want)], octagon)
        return (code.apply(.or, first.condition, second.condition), first.isExact && second.isExact)
      default: break
      }
      if condition.type(operands[0]) == .bool { return comparedTruth(op, operands, want, octagon) }
      return compared(op, operands, want, octagon)
    }
  }

  private typealias Wanted = (value: ScalarValue, want: Bool)

  /// The parts of a conjunction: of `and` where it is to be true, of `or` where it is to be false.
  private func literals(_ value: ScalarValue, _ want: Bool) -> [Wanted] {
    guard termBounds[value] == nil, case .elementwise(let op) = condition.instruction(value)?.operation else {
      return [(value, want)]
    }
    let operands = condition.instruction(value)!.operands
    switch op {
    case .and where want, .or where !want: return operands.flatMap { literals($0, want) }
    case .not: return literals(operands[0], !want)
    default: return [(value, want)]
    }
  }

  private mutating func any(_ parts: [Wanted], _ octagon: Octagon) -> Possibility {
    parts.reduce((code.truth(false), true)) { known, part in
      let possible = canHold(part.value, part.want, octagon)
      return (code.apply(.or, known.condition, possible.condition), known.isExact && possible.isExact)
    }
  }

  /// Whether all parts can hold at once: those that bound an octagon narrow it for the others.
  private mutating func all(_ parts: [Wanted], _ octagon: Octagon) -> Possibility {
    var narrowed = octagon
    var rest: [Wanted] = []
    let mayNarrow = parts.count > 1 && code.function.instructions.count < Self.longestCode
    for part in parts where !(mayNarrow && narrow(&narrowed, part)) { rest.append(part) }
    guard rest.count < parts.count else {
      let conditions = parts.map { canHold($0.value, $0.want, octagon) }
      return (conditions.reduce(code.truth(true)) { code.apply(.and, $0, $1.condition) }, parts.count == 1 && conditions[0].isExact)
    }
    narrowed.close(&code)
    var condition = narrowed.mayHold(&code)
    for part in rest { condition = code.apply(.and, condition, canHold(part.value, part.want, narrowed).condition) }
    return (condition, rest.isEmpty && !narrowed.boundsSum)
  }

  /// Keeps the pairs where a comparison of linear forms holds; false where it is none, or has not the form of an octagon's bound.
  private mutating func narrow(_ octagon: inout Octagon, _ part: Wanted) -> Bool {
    guard termBounds[part.value] == nil, let instruction = condition.instruction(part.value),
      case .elementwise(let op) = instruction.operation, let comparison = Comparison(op, part.want),
      condition.type(instruction.operands[0]).isInteger
    else { return false }
    let numbers = instruction.operands.map { number($0, rectangle) }
    let operands = comparison.isReversed ? [numbers[1], numbers[0]] : numbers
    guard case .linear = operands[0], case .linear = operands[1],
      case .linear(let query, let key, let rest) = difference(operands[0], operands[1], rectangle), query != 0 || key != 0
    else { return false }
    var trial = octagon
    switch comparison.relation {
    case .notEqual: return false
    case .less, .lessEqual:
      let shift = comparison.relation == .less ? 1 : 0
      guard trial.meet(query: query, key: key, rest: code.apply(.add, rest, code.whole(shift)), &code) else { return false }
    case .equal:
      guard trial.meet(query: query, key: key, rest: rest, &code),
        trial.meet(query: -query, key: -key, rest: code.apply(.subtract, code.whole(0), rest), &code)
      else { return false }
      // 2 i = 3 has bounds that no number fits: they cross, or meet where nothing is.
      guard max(abs(query), abs(key)) == 1 else { return false }
    }
    octagon = trial
    return true
  }

  // MARK: Comparisons

  struct Comparison {
    enum Relation { case less, lessEqual, equal, notEqual }
    var relation: Relation
    /// Whether the operands change places.
    var isReversed = false

    /// The comparison that holds where that of `op` is `want`.
    init?(_ op: Op, _ want: Bool) {
      switch (op, want) {
      case (.less, true), (.greaterEqual, false): relation = .less
      case (.lessEqual, true), (.greater, false): relation = .lessEqual
      case (.greater, true), (.lessEqual, false): (relation, isReversed) = (.less, true)
      case (.greaterEqual, true), (.less, false): (relation, isReversed) = (.lessEqual, true)
      case (.equal, true), (.notEqual, false): relation = .equal
      case (.notEqual, true), (.equal, false): relation = .notEqual
      default: return nil
      }
    }
  }

  /// Comparisons of truth values, and their exclusive or.
  private mutating func comparedTruth(
    _ op: Op, _ operands: [ScalarValue], _ want: Bool, _ octagon: Octagon
  ) -> Possibility {
    guard [Op.equal, Op.notEqual, Op.xor].contains(op) else { return (code.truth(true), false) }
    let areEqual = (op == Op.equal) == want
    let both = [true, false].map { first in
      all([(operands[0], first), (operands[1], areEqual ? first : !first)], octagon).condition
    }
    return (code.apply(.or, both[0], both[1]), false)
  }

  private mutating func compared(
    _ op: Op, _ operands: [ScalarValue], _ want: Bool, _ octagon: Octagon
  ) -> Possibility {
    guard var comparison = Comparison(op, want) else { return (code.truth(true), false) }
    let isFloat = condition.type(operands[0]).isFloat
    var (a, b) = (number(operands[0], octagon), number(operands[1], octagon))
    if comparison.isReversed { (a, b) = (b, a) }
    comparison.isReversed = false
    if case .linear = a, case .linear = b, case .linear(let query, let key, let rest) = difference(a, b, octagon) {
      // Each index on the side where its coefficient is positive: j <= i reads as such.
      a = .linear(query: max(query, 0), key: max(key, 0), rest: code.whole(0))
      b = .linear(query: max(-query, 0), key: max(-key, 0), rest: code.apply(.subtract, code.whole(0), rest))
      let isRelational = octagon.boundsDifference && query * key < 0 || octagon.boundsSum && query * key > 0
      if isRelational {
        a = .linear(query: query, key: key, rest: code.whole(0))
        b = .linear(query: 0, key: 0, rest: code.apply(.subtract, code.whole(0), rest))
      }
      guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { preconditionFailure("a linear form has bounds") }
      let condition = compare(x, y, comparison.relation)
      // Over a rectangle a linear form takes its bounds, and every number between them where a coefficient is 1.
      let isDense = [query, key].contains { abs($0) == 1 } || query == 0 && key == 0
      return (condition, octagon == rectangle && (isDense || comparison.relation == .less || comparison.relation == .lessEqual))
    }
    guard let x = bounds(a, octagon), let y = bounds(b, octagon) else { return (code.truth(true), false) }
    var condition = compare(x, y, comparison.relation)
    if isFloat {
      let areFinite = code.apply(.and, code.isFinite(x), code.isFinite(y))
      condition = code.apply(.or, condition, code.apply(.not, areFinite))
    }
    if comparison.relation == .equal {
      for (number, other) in [(a, y), (b, x)] {
        guard case .whole(_, .some(let residue)) = number, other.low == other.high else { continue }
        condition = code.apply(.and, condition, isReached(other.low, residue))
      }
    }
    return (condition, false)
  }

  /// Whether some number between the dividend's bounds leaves the remainder `value`.
  private mutating func isReached(_ value: ScalarValue, _ residue: TwinNumber.Residue) -> ScalarValue {
    let modulus = code.whole(residue.modulus)
    let most = code.apply(.divide, code.apply(.subtract, residue.dividend.high, value), modulus)
    return code.apply(.lessEqual, residue.dividend.low, code.apply(.add, code.apply(.multiply, most, modulus), value))
  }

  private mutating func compare(_ x: TwinBounds, _ y: TwinBounds, _ relation: Comparison.Relation) -> ScalarValue {
    switch relation {
    case .less: return code.apply(.less, x.low, y.high)
    case .lessEqual: return code.apply(.lessEqual, x.low, y.high)
    case .equal: return code.apply(.and, code.apply(.lessEqual, x.low, y.high), code.apply(.lessEqual, y.low, x.high))
    case .notEqual: return code.apply(.or, code.apply(.notEqual, x.low, y.high), code.apply(.notEqual, x.high, y.low))
    }
  }
}

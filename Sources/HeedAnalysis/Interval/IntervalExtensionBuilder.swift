import HeedIR

/// The making of an interval extension.
struct IntervalExtensionBuilder {
  let condition: ScalarFunction
  let magnitudes: IndexMagnitudes
  var code: FunctionBuilder
  /// The batch indices.
  let uniform: [ScalarValue]
  let termBounds: [ScalarValue: (term: MaskTerm, bounds: Bounds)]
  var numbers: [NumberKey: AbstractNumber] = [:]
  let rectangle: Octagon
  /// Where nothing is claimed.
  private var isUnknown: ScalarValue

  struct NumberKey: Hashable {
    var value: ScalarValue
    var octagon: Octagon
  }

  /// Conjunctions narrow the octagon while the code is shorter than this.
  private static let longestCode = 2000

  init(_ condition: ScalarFunction, _ terms: [MaskTerm]) {
    self.condition = condition
    typealias Parameter = ScalarFunction.Parameter
    let batch = condition.parameters.count - 2
    var parameters = ["i0", "i1", "j0", "j1"].map { Parameter($0, .i64) }
    parameters += condition.parameters.prefix(batch).map { Parameter($0.name, .i64) }
    var places: [ScalarValue: (term: MaskTerm, bounds: Bounds)] = [:]
    for (number, term) in terms.enumerated() {
      let low = ScalarValue(parameters.count)
      parameters.append(Parameter(term.side == .uniform ? "t\(number)" : "t\(number)_low", term.boundType))
      let high = term.side == .uniform ? low : ScalarValue(parameters.count)
      if term.side != .uniform { parameters.append(Parameter("t\(number)_high", term.boundType)) }
      places[term.value] = (term, Bounds(low: low, high: high))
    }
    termBounds = places
    magnitudes = IndexMagnitudes(condition, terms: Set(places.keys))
    code = FunctionBuilder(parameters: parameters, tables: condition.tables)
    uniform = (0..<batch).map { ScalarValue(4 + $0) }
    rectangle = Octagon(
      query: Bounds(low: ScalarValue(0), high: ScalarValue(1)), key: Bounds(low: ScalarValue(2), high: ScalarValue(3)), &code)
    isUnknown = code.truth(false)
    if condition.hasNarrowArithmetic {
      let indices = uniform.indices.filter { condition.reads(parameter: $0) }.map { uniform[$0] }
      for index in indices + [ScalarValue(1), ScalarValue(3)] {
        escape(if: code.apply(.lessEqual, code.whole(IndexMagnitudes.limit), index))
      }
    }
    for extent in condition.wholeExtents {
      let number = code.extent(extent, .i64)
      escape(if: code.apply(.less, number, code.whole(-IndexMagnitudes.limit)))
      escape(if: code.apply(.less, code.whole(IndexMagnitudes.limit), number))
    }
    for (term, bounds) in places.values.sorted(by: { $0.term.value < $1.term.value }) where term.boundType == .i64 {
      // Numbers of 64 bits might leave them when they are subtracted.
      guard term.entersArithmetic || condition.type(term.value) == .i64 else { continue }
      let limit = term.entersArithmetic ? IndexMagnitudes.limit : 1 << 61
      escape(if: code.apply(.less, bounds.low, code.whole(-limit)))
      escape(if: code.apply(.less, code.whole(limit), bounds.high))
    }
  }

  /// Makes the extension claim nothing where a condition holds.
  mutating func escape(if condition: ScalarValue) { isUnknown = code.apply(.or, isUnknown, condition) }

  mutating func finish() -> (ScalarFunction, isExact: Bool) {
    let result = condition.results[0]
    let (canHold, canFail) = (canHold(result, true, rectangle), canHold(result, false, rectangle))
    let answers = [canHold.condition, canFail.condition].map { code.apply(.or, $0, isUnknown) }
    return (code.finish(answers), canHold.isExact)
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
    case .extent: return (code.truth(true), false)
    case .element(let table): return (lookupTruth(table, instruction, want, octagon), false)
    case .elementwise(let op):
      let operands = instruction.operands
      switch op {
      case .not: return canHold(operands[0], !want, octagon)
      case .and, .or:
        if (op == Op.and) == want {
          return all(condition.conjuncts(of: value, being: want) { termBounds[$0] != nil }, octagon)
        }
        return any(operands.map { Conjunct(value: $0, want: want) }, octagon)
      case .select:
        let first = both((operands[0], true), (operands[1], want), octagon)
        let second = both((operands[0], false), (operands[2], want), octagon)
        return (code.apply(.or, first.condition, second.condition), first.isExact && second.isExact)
      default: break
      }
      if condition.type(operands[0]) == .bool { return comparedTruth(op, operands, want, octagon) }
      return compared(op, operands, want, octagon)
    }
  }

  private mutating func any(_ parts: [Conjunct], _ octagon: Octagon) -> Possibility {
    parts.reduce((code.truth(false), true)) { known, part in
      let possible = canHold(part.value, part.want, octagon)
      return (code.apply(.or, known.condition, possible.condition), known.isExact && possible.isExact)
    }
  }

  /// Whether all parts can hold at once: those that bound an octagon narrow it for the others.
  private mutating func all(_ parts: [Conjunct], _ octagon: Octagon) -> Possibility {
    var narrowed = octagon
    var rest: [Conjunct] = []
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

  private mutating func both(
    _ first: (value: ScalarValue, want: Bool), _ second: (value: ScalarValue, want: Bool), _ octagon: Octagon
  ) -> Possibility {
    all([first, second].map { Conjunct(value: $0.value, want: $0.want) }, octagon)
  }

  /// Comparisons of truth values, and their exclusive or.
  private mutating func comparedTruth(
    _ op: Op, _ operands: [ScalarValue], _ want: Bool, _ octagon: Octagon
  ) -> Possibility {
    guard [Op.equal, Op.notEqual, Op.xor].contains(op) else { return (code.truth(true), false) }
    let areEqual = (op == Op.equal) == want
    let holds = [true, false].map { first in
      both((operands[0], first), (operands[1], areEqual ? first : !first), octagon).condition
    }
    return (code.apply(.or, holds[0], holds[1]), false)
  }
}

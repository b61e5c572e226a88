import HeedIR

/// Solves a boolean function of indices for one of the two: where live pairs form one range, that range becomes the bounds of a loop.
///
/// Comparisons of linear forms, and of quotients of the solved index by constants, are solved. Conjunctions intersect, disjunctions
/// take the hull. What is not solved leaves the range unbounded. Integer arithmetic that could wrap is not followed.
struct RangeSolver {
  /// Ends of a range of the solved index, inclusive; nil where unbounded.
  struct Ends {
    var low: ScalarValue?
    var high: ScalarValue?

    static let all = Ends()
  }

  /// Where a truth value can be true, and where it can be false.
  struct Truth {
    var holds = Ends.all
    var fails = Ends.all
  }

  let condition: ScalarFunction
  /// The index that is solved for. The other one is in a block from `first` to `last`.
  let solved: IndexSide
  var code: FunctionBuilder
  let first = ScalarValue(0)
  let last = ScalarValue(1)
  private let count = ScalarValue(2)
  private let uniform: [ScalarValue]
  private let terms: [(term: MaskTerm, value: ScalarValue)]

  /// - Parameter terms: the condition's uniform whole-number terms.
  init(_ condition: ScalarFunction, solvingFor solved: IndexSide, terms: [MaskTerm]) {
    (self.condition, self.solved) = (condition, solved)
    let batch = condition.parameters.dropLast(2)
    let names = solved == .key ? ["i0", "i1", "keys"] : ["j0", "j1", "queries"]
    var parameters = names.map { ScalarFunction.Parameter(Name($0), .i64) }
    parameters += batch.map { ScalarFunction.Parameter($0.name, .i64) }
    parameters += terms.indices.map { ScalarFunction.Parameter(Name("t\($0)"), .i64) }
    code = FunctionBuilder(parameters: parameters)
    uniform = batch.indices.map { ScalarValue(3 + $0) }
    self.terms = terms.enumerated().map { ($0.element, ScalarValue(3 + batch.count + $0.offset)) }
  }

  mutating func finish() -> IndexRange {
    var ends = solve()
    if let wraps = mayWrap() {
      // The whole range, where arithmetic may wrap: from 0 to the number of indices.
      let isLarge = code.apply(.convert, wraps, type: .i64)
      let isSmall = code.apply(.subtract, code.whole(1), isLarge)
      ends.low = ends.low.map { code.apply(.multiply, $0, isSmall) }
      let all = code.apply(.multiply, isLarge, count)
      ends.high = ends.high.map { code.apply(.maximum, $0, all) }
    }
    let function = code.finish([ends.low, ends.high].compactMap { $0 })
    return IndexRange(
      function: function, low: ends.low.map { _ in 0 }, high: ends.high.map { _ in ends.low == nil ? 0 : 1 })
  }

  /// A condition that holds where arithmetic may wrap or leave 64 bits; nil where it cannot.
  private mutating func mayWrap() -> ScalarValue? {
    var conditions: [ScalarValue] = []
    if condition.hasNarrowArithmetic {
      let indices = uniform.indices.filter { condition.reads(parameter: $0) }.map { uniform[$0] }
      conditions += (indices + [last, count]).map { code.apply(.lessEqual, code.whole(IndexMagnitudes.limit), $0) }
    }
    for extent in condition.wholeExtents {
      let value = code.extent(extent, .i64)
      conditions.append(code.apply(.lessEqual, value, code.whole(-IndexMagnitudes.limit)))
      conditions.append(code.apply(.lessEqual, code.whole(IndexMagnitudes.limit), value))
    }
    for (term, value) in terms {
      // A clamped value that is as large as it can be was perhaps larger.
      let limit = term.entersArithmetic ? IndexMagnitudes.limit : IndexRange.mostOfTerm
      conditions.append(code.apply(.lessEqual, value, code.whole(-limit)))
      conditions.append(code.apply(.lessEqual, code.whole(limit), value))
    }
    return conditions.isEmpty ? nil : conditions.reduce(code.truth(false)) { code.apply(.or, $0, $1) }
  }

  private mutating func solve() -> Ends {
    var numbers: [Number] = uniform.map { .linear(LinearForm(rest: $0)) }
    let zero = code.whole(0)
    numbers += [.linear(LinearForm(query: 1, rest: zero)), .linear(LinearForm(key: 1, rest: zero))]
    var truths = Array(repeating: Truth(), count: numbers.count)
    let values = Dictionary(uniqueKeysWithValues: terms.map { ($0.term.value, $0.value) })
    let magnitudes = IndexMagnitudes(condition, terms: Set(values.keys))
    for instruction in condition.instructions {
      let value = ScalarValue(numbers.count)
      if instruction.type == .bool {
        numbers.append(.unknown)
        truths.append(truth(instruction, numbers, truths))
        continue
      }
      truths.append(Truth())
      if let term = values[value] {
        numbers.append(.linear(LinearForm(rest: term)))
      } else {
        numbers.append(number(instruction, numbers, mayWrap: magnitudes[value] == nil))
      }
    }
    return truths[condition.results[0].index].holds
  }

  private mutating func truth(
    _ instruction: ScalarFunction.Instruction, _ numbers: [Number], _ truths: [Truth]
  ) -> Truth {
    guard case .elementwise(let op) = instruction.operation else { return Truth() }
    let known = instruction.operands.map { truths[$0.index] }
    switch op {
    case .and:
      return Truth(holds: intersection(known[0].holds, known[1].holds), fails: hull(known[0].fails, known[1].fails))
    case .or:
      return Truth(holds: hull(known[0].holds, known[1].holds), fails: intersection(known[0].fails, known[1].fails))
    case .not: return Truth(holds: known[0].fails, fails: known[0].holds)
    default:
      guard let holds = Comparison(op, true), let fails = Comparison(op, false) else { return Truth() }
      let operands = instruction.operands.map { numbers[$0.index] }
      return Truth(holds: solve(holds, operands[0], operands[1]), fails: solve(fails, operands[0], operands[1]))
    }
  }

  private mutating func solve(_ comparison: Comparison, _ left: Number, _ right: Number) -> Ends {
    let (a, b) = comparison.ordered(left, right)
    switch comparison.relation {
    case .less: return atMost(a, b, -1)
    case .lessEqual: return atMost(a, b, 0)
    case .equal: return intersection(atMost(a, b, 0), atMost(b, a, 0))
    case .notEqual: return .all
    }
  }

  // MARK: Ranges

  /// Indices in both ranges.
  private mutating func intersection(_ a: Ends, _ b: Ends) -> Ends {
    Ends(low: combine(a.low, b.low, .maximum), high: combine(a.high, b.high, .minimum))
  }

  private mutating func combine(_ a: ScalarValue?, _ b: ScalarValue?, _ op: Op) -> ScalarValue? {
    guard let a, let b else { return a ?? b }
    return code.apply(op, a, b)
  }

  /// A range that holds both.
  private mutating func hull(_ a: Ends, _ b: Ends) -> Ends {
    var hull = Ends.all
    if let x = a.low, let y = b.low { hull.low = code.apply(.minimum, x, y) }
    if let x = a.high, let y = b.high { hull.high = code.apply(.maximum, x, y) }
    return hull
  }
}

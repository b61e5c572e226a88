import Foundation
import HeedAnalysis
import HeedIR

/// A weight of a pair as a product: the score, a number, what the query's row makes, what the key's row makes, and e to the difference of
/// one function of the two rows. Pairs whose key is behind the query do not count.
struct PairFactors {
  private(set) var number = 1.0
  /// What the logarithm of the decay grows by from the row before; nil where nothing decays.
  private(set) var growth: ScalarFunction?
  /// Over the batch indices and the row of the query, in the type of sums; nil for 1.
  private(set) var query: ScalarFunction?
  /// The same for the key.
  private(set) var key: ScalarFunction?

  /// The factors of a weight.
  /// - Returns: nil where the weight is not the score times something else.
  /// - Throws: why that something is not such a product.
  init?(_ score: ScalarFunction, table: @escaping (Int) -> RealBounds) throws(Reason) {
    var finder = PairFactorFinder(score, table: table)
    guard try finder.take(finder.weight), finder.hasScore, finder.number.isFinite, finder.number != 0 else { return nil }
    number = finder.number
    growth = finder.growthOverRows()
    query = finder.product(finder.queryFactors, over: finder.row)
    key = finder.product(finder.keyFactors, over: finder.column)
  }

  /// Why a weight is not a product of this kind.
  enum Reason: Error {
    /// A factor of both rows that is not e to a difference.
    case pair
    /// A power of a number that may be negative or 0.
    case base(mayBeZero: Bool)
  }
}

/// Takes a weight apart.
private struct PairFactorFinder {
  typealias Reason = PairFactors.Reason

  private let score: ScalarFunction
  private let table: (Int) -> RealBounds
  private let wide: ElementType
  private var region: FunctionBuilder
  private(set) var weight: ScalarValue
  private(set) var number = 1.0
  private(set) var hasScore = false
  private(set) var queryFactors: [ScalarValue] = []
  private(set) var keyFactors: [ScalarValue] = []
  private var growth: ScalarValue?
  /// How many factors and sums are looked at: more than any weight has. A value may be a factor of itself many times over.
  private var budget = 128

  var row: Int { score.parameters.count - 2 }
  var column: Int { score.parameters.count - 1 }

  init(_ score: ScalarFunction, table: @escaping (Int) -> RealBounds) {
    (self.score, self.table) = (score, table)
    wide = score.type(score.results[0]).computed
    region = FunctionBuilder(parameters: score.parameters, tables: score.tables, rules: .scores)
    weight = ScalarValue(0)
    weight = region.inline(score, score.parameters.indices.map(region.parameter))[0]
    weight = assumingCausal(weight)
  }

  /// Takes `value` as a factor, or what it is divided by.
  /// - Returns: false where it is made from the score otherwise than by a product.
  mutating func take(_ value: ScalarValue, divides: Bool = false) throws(Reason) -> Bool {
    budget -= 1
    guard budget > 0 else { return false }
    if value == region.parameter(0) {
      guard !hasScore, !divides else { return false }
      hasScore = true
      return true
    }
    if let constant = region.literal(value)?.real {
      number = divides ? number / constant : number * constant
      return true
    }
    let read = region.function.parameters(of: value)
    if !read.contains(0), !(read.contains(row) && read.contains(column)) {
      let factor = region.apply(.convert, value, type: wide)
      let one = region.constant(1, wide)
      let own = divides ? region.apply(.divide, one, factor) : factor
      if read.contains(row) { queryFactors.append(own) } else { keyFactors.append(own) }
      return true
    }
    if let operands = region.match(value, .multiply) {
      guard try take(operands[0], divides: divides) else { return false }
      return try take(operands[1], divides: divides)
    }
    if let operands = region.match(value, .divide) {
      guard try take(operands[0], divides: divides) else { return false }
      return try take(operands[1], divides: !divides)
    }
    if let inner = region.match(value, .negate)?[0] {
      number = -number
      return try take(inner, divides: divides)
    }
    if let inner = region.match(value, .convert)?[0], region.type(value).isFloat, region.type(inner).isFloat {
      return try take(inner, divides: divides)
    }
    if read.contains(0) { return false }
    try takeExponential(value, divides: divides)
    return true
  }

  /// Takes a factor of both rows.
  private mutating func takeExponential(_ value: ScalarValue, divides: Bool) throws(Reason) {
    var parts: Exponent
    if let exponent = region.match(value, .exp)?[0] {
      parts = try split(exponent)
    } else if let exponent = region.match(value, .exp2)?[0] {
      parts = try split(exponent).map { region.apply(.multiply, widened($0), region.constant(log(2), wide)) }
    } else if let power = region.match(value, .power), isUniform(power[0]) {
      parts = try split(power[1])
      let logarithm = try logarithm(of: power[0], times: parts)
      parts = parts.map { region.apply(.multiply, widened($0), logarithm) }
    } else {
      throw .pair
    }
    // One number could be too large for its type where its product with the other is not.
    guard parts.query.isEmpty || parts.key.isEmpty else { throw .pair }
    parts = parts.map { divides ? region.apply(.negate, widened($0)) : widened($0) }
    if let own = parts.growth { growth = growth.map { region.apply(.add, $0, own) } ?? own }
    queryFactors += parts.query.map { region.apply(.exp, $0) }
    keyFactors += parts.key.map { region.apply(.exp, $0) }
  }

  /// The logarithm of a number to the power of `parts`.
  private mutating func logarithm(of base: ScalarValue, times parts: Exponent) throws(Reason) -> ScalarValue {
    let bounds = region.realBounds(base, table: table)
    let logarithm = region.apply(.log, widened(base))
    if bounds.low > 0 { return logarithm }
    // 0 to the power of a whole number of rows is 0, and 1 on the diagonal.
    let isWhole = parts.growth.flatMap { region.literal($0)?.real }.map { $0 >= 1 } ?? false
    guard bounds.low == 0, isWhole, parts.query.isEmpty, parts.key.isEmpty else { throw .base(mayBeZero: bounds.low == 0) }
    return region.apply(.maximum, region.constant(wide.logarithmOfZero, wide), logarithm)
  }

  // MARK: Exponents

  /// A sum: what the difference of one function of the two rows grows by from row to row, and what only one of the rows adds.
  private struct Exponent {
    var growth: ScalarValue?
    var query: [ScalarValue] = []
    var key: [ScalarValue] = []

    func map(_ change: (ScalarValue) -> ScalarValue) -> Exponent {
      Exponent(growth: growth.map(change), query: query.map(change), key: key.map(change))
    }
  }

  /// A part of a sum.
  private struct Term {
    var value: ScalarValue
    var isNegative: Bool
  }

  private mutating func split(_ value: ScalarValue) throws(Reason) -> Exponent {
    budget -= 1
    guard budget > 0 else { throw .pair }
    var result = Exponent()
    var (queries, keys): ([Term], [Term]) = ([], [])
    func add(_ own: ScalarValue) { result.growth = result.growth.map { region.apply(.add, $0, own) } ?? own }
    func signed(_ term: Term, _ value: ScalarValue) -> ScalarValue {
      guard term.isNegative else { return value }
      return region.type(value).isFloat
        ? region.apply(.negate, value) : region.apply(.subtract, region.constant(0, region.type(value)), value)
    }
    for term in terms(value) {
      let read = region.function.parameters(of: term.value)
      guard read.contains(row), read.contains(column) else {
        if read.contains(row) { queries.append(term) } else { keys.append(term) }
        continue
      }
      let inner = try scaled(term.value).map { signed(term, $0) }
      inner.growth.map(add)
      result.query += inner.query
      result.key += inner.key
    }
    for term in queries {
      let atKey = moved(term.value, to: region.parameter(column))
      if let position = keys.firstIndex(where: { $0.value == atKey && $0.isNegative != term.isNegative }) {
        keys.remove(at: position)
        add(signed(term, step(term.value)))
      } else {
        result.query.append(signed(term, term.value))
      }
    }
    result.key += keys.map { signed($0, $0.value) }
    return result
  }

  /// A part that both rows make: a sum that is scaled or converted.
  private mutating func scaled(_ value: ScalarValue) throws(Reason) -> Exponent {
    for op in [Op.multiply, .divide] {
      guard let pair = region.match(value, op), region.type(value).isFloat else { continue }
      if isUniform(pair[1]) { return try split(pair[0]).map { region.apply(op, $0, pair[1]) } }
      if op == .multiply, isUniform(pair[0]) { return try split(pair[1]).map { region.apply(op, $0, pair[0]) } }
    }
    let type = region.type(value)
    if let inner = region.match(value, .convert)?[0], type.isFloat {
      return try split(inner).map { region.apply(.convert, $0, type: type) }
    }
    throw .pair
  }

  /// The most parts of a sum that are looked at.
  private static let mostTerms = 32

  private func terms(_ value: ScalarValue) -> [Term] {
    var (found, pending) = ([Term](), [Term(value: value, isNegative: false)])
    while let next = pending.popLast() {
      let isFew = found.count + pending.count < Self.mostTerms
      if isFew, let pair = region.match(next.value, .add) {
        pending += [Term(value: pair[1], isNegative: next.isNegative), Term(value: pair[0], isNegative: next.isNegative)]
      } else if isFew, let pair = region.match(next.value, .subtract) {
        pending += [Term(value: pair[1], isNegative: !next.isNegative), Term(value: pair[0], isNegative: next.isNegative)]
      } else if isFew, let inner = region.match(next.value, .negate)?[0] {
        pending.append(Term(value: inner, isNegative: !next.isNegative))
      } else {
        found.append(next)
      }
    }
    return found
  }

  /// What `value`, of the query's row, is more than at the row before. The first row has none before; what it grows by does not count.
  private mutating func step(_ value: ScalarValue) -> ScalarValue {
    let index = region.parameter(row)
    if value == index { return region.constant(Literal(1), region.type(index)) }
    if let inner = region.match(value, .convert)?[0], region.type(inner).isInteger || region.type(value).isFloat {
      return region.apply(.convert, step(inner), type: region.type(value))
    }
    if let pair = region.match(value, .multiply), region.type(value).isFloat {
      if isUniform(pair[1]) { return region.apply(.multiply, step(pair[0]), pair[1]) }
      if isUniform(pair[0]) { return region.apply(.multiply, pair[0], step(pair[1])) }
    }
    let type = region.type(index)
    let one = region.constant(Literal(1), type)
    let before = region.apply(.maximum, region.apply(.subtract, index, one), region.constant(Literal(0), type))
    return region.apply(.subtract, value, moved(value, to: before))
  }

  private func isUniform(_ value: ScalarValue) -> Bool {
    region.function.parameters(of: value).isDisjoint(with: [0, row, column])
  }

  private mutating func widened(_ value: ScalarValue) -> ScalarValue { region.apply(.convert, value, type: wide) }

  /// `value` with another index in place of the query's.
  private mutating func moved(_ value: ScalarValue, to index: ScalarValue) -> ScalarValue {
    let inner = region.function.extracting([value])
    var arguments = score.parameters.indices.map(region.parameter)
    arguments[row] = index
    return region.inline(inner, arguments)[0]
  }

  // MARK: Pairs up to the diagonal

  /// `value` for pairs whose key is not behind the query.
  private mutating func assumingCausal(_ value: ScalarValue) -> ScalarValue {
    var known: [ScalarValue: ScalarValue] = [:]
    for index in region.function.parameters.count..<max(value.index + 1, region.function.parameters.count) {
      let old = ScalarValue(index)
      guard let instruction = region.function.instruction(old), case .elementwise(let op) = instruction.operation else { continue }
      let operands = instruction.operands.map { known[$0] ?? $0 }
      if let simpler = simplerIfCausal(op, operands) {
        known[old] = simpler
      } else if operands != instruction.operands {
        known[old] = region.apply(op, operands, type: op.has(.typedByResult) ? instruction.type : nil)
      }
    }
    return known[value] ?? value
  }

  /// A size or a bound of the distance from key to query, and a choice by the order of the two.
  private mutating func simplerIfCausal(_ op: Op, _ operands: [ScalarValue]) -> ScalarValue? {
    /// The sign of a distance, also of one that is converted.
    func sign(_ value: ScalarValue) -> Int? {
      let whole = region.match(value, .convert).flatMap { region.type($0[0]).isInteger ? $0[0] : nil } ?? value
      return [1, -1].first { region.function.isDistance(whole, sign: $0) }
    }
    switch op {
    case .absolute:
      guard let sign = sign(operands[0]) else { return nil }
      if sign > 0 { return operands[0] }
      let zero = region.constant(Literal(0), .i32)
      return region.apply(.subtract, region.apply(.convert, zero, type: region.type(operands[0])), operands[0])
    case .maximum, .minimum:
      for (value, other) in [(operands[0], operands[1]), (operands[1], operands[0])] {
        guard let bound = region.literal(other)?.real, let sign = sign(value) else { continue }
        if op == .maximum ? sign > 0 && bound <= 0 : sign < 0 && bound >= 0 { return value }
      }
      return nil
    case .select:
      if let last = region.function.diagonal(of: operands[0]), last >= 0 { return operands[1] }
      if let last = region.function.diagonal(of: operands[0], being: false), last >= 0 { return operands[2] }
      return nil
    default: return nil
    }
  }

  // MARK: Results

  /// What the logarithm of the decay grows by, as a function of the batch indices and the row.
  mutating func growthOverRows() -> ScalarFunction? { growth.map { function($0, over: row) } }

  /// A product of factors of one row; nil where there are none.
  mutating func product(_ factors: [ScalarValue], over index: Int) -> ScalarFunction? {
    guard let first = factors.first else { return nil }
    return function(factors.dropFirst().reduce(first) { region.apply(.multiply, $0, $1) }, over: index)
  }

  private func function(_ value: ScalarValue, over index: Int) -> ScalarFunction {
    let kept = Array(1..<row) + [index]
    return region.function.extracting(
      [value], parameters: kept.map { score.parameters[$0] }, numbers: kept, tables: score.tables,
      tableMap: Dictionary(uniqueKeysWithValues: score.tables.indices.map { ($0, $0) }))
  }
}

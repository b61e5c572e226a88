import Foundation
import HeedIR

/// Causal weights that are products of queries and keys, times a decay between the two rows: what `linear_attention` computes in time
/// linear in the number of rows.
///
///     select(j <= i, s, 0)                                     no decay
///     select(j <= i, s * exp(a[i] - a[j]), 0)                  log decay a[i] - a[i-1]     (Mamba-2)
///     select(j <= i, s * power(c[h], i - j), 0)                log decay log(c[h])         (RetNet)
///
/// Whether an exponent is a difference is proved by putting the key's index in place of the query's: `a[i]` must become `a[j]`.
struct DecayedProducts {
  /// The constant that the weights are multiplied by.
  private(set) var factor = 1.0
  /// The sum of the logarithms of the decays up to a row, over the batch indices and the row's; nil where nothing decays.
  let logarithm: ScalarFunction?

  /// Below as many rows, the product of all pairs is as fast.
  private static let fewestRows = 256

  /// The decayed products that the weights of `plan` are; nil where they are not.
  init?(_ plan: AttentionPlan) {
    let (graph, sum) = (plan.sum.graph, plan.sum)
    guard sum.weights.softmax == nil, plan.outputs.isEmpty, sum.rowExtent.isEqual(to: sum.columnExtent, given: graph.facts),
      sum.rowExtent.constant.map({ $0 >= Self.fewestRows }) ?? true, plan.live.isCausal,
      graph.type(plan.query).element == graph.type(graph.result(sum.node)).element
    else { return nil }
    var finder = DifferenceFinder(plan.score)
    guard let (factor, exponents) = finder.factors() else { return nil }
    self.factor = factor
    guard !exponents.isEmpty else {
      logarithm = nil
      return
    }
    guard let total = finder.minuend(ofSum: exponents) else { return nil }
    logarithm = finder.overRows(total)
  }

  /// Appends the op and the views around it; returns what stands for the weighted sum.
  func build(_ plan: AttentionPlan, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let sum = plan.sum
    let batch = sum.batch
    func arranged(_ value: ValueID, _ axes: [AttentionAxis?], _ target: [AttentionAxis]) throws -> ValueID {
      try rewriter.result.arrange(rewriter(value), axes, as: batch + target, extent: { sum.extent($0, width: plan.width) })
    }
    var operands = [
      try arranged(plan.query, plan.queryAxes, [.row, .width]), try arranged(plan.key, plan.keyAxes, [.column, .width]),
      try arranged(plan.values, sum.valueAxes, [.column, .valueWidth]),
    ]
    var attributes: [Attribute] = []
    func add(_ key: AttributeKey<CapturedOperand>, _ value: ValueID) {
      attributes.append(Attribute(key, CapturedOperand(operands.count - 3)))
      operands.append(value)
    }
    if let logarithm { add(.decay, try decays(logarithm, plan, &rewriter)) }
    if let ragged = plan.ragged { add(.ragged, rewriter(plan.captured[ragged])) }
    var result = try rewriter.append(.linearAttention, operands, attributes: attributes)
    if factor != 1 {
      let scale = try rewriter.result.appendScalar(factor, rewriter.result.type(result).element)
      result = try rewriter.append(.multiply, [result, scale])
    }
    return try plan.arrangeBack(
      result, batch + [.row, .valueWidth], nil, as: sum.resultAxes, sum.graph.type(sum.graph.result(sum.node)), &rewriter)
  }

  /// The logarithm of each row's decay, `[batch..., N]`: what the sum of logarithms grows by. The first row decays nothing.
  private func decays(_ logarithm: ScalarFunction, _ plan: AttentionPlan, _ rewriter: inout GraphRewriter) throws -> ValueID {
    let last = logarithm.parameters.count - 1
    var region = FunctionBuilder(parameters: logarithm.parameters, tables: logarithm.tables)
    let row = region.parameter(last)
    let index = region.type(row)
    let before = region.apply(
      .maximum, region.apply(.subtract, row, region.constant(Literal(1), index)), region.constant(Literal(0), index))
    let indices = (0..<last).map(region.parameter)
    let (own, previous) = (region.inline(logarithm, indices + [row])[0], region.inline(logarithm, indices + [before])[0])
    let growth = region.finish([region.apply(.subtract, own, previous)])
    let shape = Shape(plan.sum.batchExtents + [plan.sum.rowExtent])
    return try rewriter.compute(growth, over: shape, tables: plan.captured.map { rewriter($0) })
  }
}

/// Finds differences between what is computed from a query's index and the same from a key's.
private struct DifferenceFinder {
  private let score: ScalarFunction
  private var region: FunctionBuilder
  private let weight: ScalarValue
  private var row: Int { score.parameters.count - 2 }
  private var column: Int { score.parameters.count - 1 }

  init(_ score: ScalarFunction) {
    self.score = score
    region = FunctionBuilder(parameters: score.parameters, tables: score.tables, rules: .scores)
    weight = region.inline(score, score.parameters.indices.map(region.parameter))[0]
  }

  /// The constant and the exponents of e whose product times the score the weight is; nil where it is not that.
  mutating func factors() -> (factor: Double, exponents: [ScalarValue])? {
    var (factor, exponents, hasScore) = (1.0, [ScalarValue](), false)
    var pending = [weight]
    while let next = pending.popLast() {
      if next == region.parameter(0) {
        guard !hasScore else { return nil }
        hasScore = true
      } else if let constant = region.literal(next)?.real {
        factor *= constant
      } else if let operands = region.match(next, .multiply) {
        pending += operands
      } else if let exponent = region.match(next, .exp)?[0] {
        exponents.append(exponent)
      } else if let exponent = region.match(next, .exp2)?[0] {
        exponents.append(region.apply(.multiply, exponent, region.constant(log(2), region.type(exponent))))
      } else if let power = region.match(next, .power), !depends(power[0], on: row), !depends(power[0], on: column) {
        exponents.append(region.apply(.multiply, power[1], region.apply(.log, power[0])))
      } else {
        return nil
      }
    }
    return hasScore && factor.isFinite && factor != 0 ? (factor, exponents) : nil
  }

  /// As `minuend`, for the sum of `values`.
  mutating func minuend(ofSum values: [ScalarValue]) -> ScalarValue? {
    var total: ScalarValue?
    for value in values {
      guard let part = minuend(value) else { return nil }
      total = total.map { region.apply(.add, $0, part) } ?? part
    }
    return total
  }

  /// What `value` has for the query's index, where it is that less the same for the key's index.
  mutating func minuend(_ value: ScalarValue) -> ScalarValue? {
    if let pair = region.match(value, .subtract) {
      if isOf(pair[0], row, column), isOf(pair[1], column, row), atColumn(pair[0]) == pair[1] { return pair[0] }
      if isOf(pair[0], column, row), isOf(pair[1], row, column), atColumn(pair[1]) == pair[0] {
        return region.apply(.negate, pair[1])
      }
      if let left = minuend(pair[0]), let right = minuend(pair[1]) { return region.apply(.subtract, left, right) }
    }
    if let pair = region.match(value, .add), let left = minuend(pair[0]), let right = minuend(pair[1]) {
      return region.apply(.add, left, right)
    }
    if let pair = region.match(value, .multiply) {
      for (part, other) in [(pair[0], pair[1]), (pair[1], pair[0])] where !depends(other, on: row) && !depends(other, on: column) {
        if let inner = minuend(part) { return region.apply(.multiply, inner, other) }
      }
    }
    if let inner = region.match(value, .convert)?[0], region.type(value).isFloat, let whole = minuend(inner) {
      return region.apply(.convert, whole, type: region.type(value))
    }
    if let inner = region.match(value, .negate)?[0], let positive = minuend(inner) { return region.apply(.negate, positive) }
    return nil
  }

  /// `value` as a function of the batch indices and the row.
  func overRows(_ value: ScalarValue) -> ScalarFunction {
    let kept = Array(1...row)
    return region.function.extracting(
      [value], parameters: kept.map { score.parameters[$0] }, numbers: kept, tables: score.tables,
      tableMap: Dictionary(uniqueKeysWithValues: score.tables.indices.map { ($0, $0) }))
  }

  private func depends(_ value: ScalarValue, on parameter: Int) -> Bool {
    let found = region.function.parameters(of: value)
    return found.contains(parameter) || found.contains(0)
  }

  private func isOf(_ value: ScalarValue, _ own: Int, _ other: Int) -> Bool { !depends(value, on: other) }

  /// `value` with the key's index in place of the query's.
  private mutating func atColumn(_ value: ScalarValue) -> ScalarValue {
    let inner = region.function.extracting(
      [value], parameters: score.parameters, numbers: Array(score.parameters.indices), tables: score.tables,
      tableMap: Dictionary(uniqueKeysWithValues: score.tables.indices.map { ($0, $0) }))
    var arguments = score.parameters.indices.map(region.parameter)
    arguments[row] = region.parameter(column)
    return region.inline(inner, arguments)[0]
  }
}

extension ScalarFunction {
  /// Whether a pair lives where the key, the last parameter, is not behind the query, the one before.
  fileprivate var isCausal: Bool {
    guard let instruction = instruction(results[0]), instruction.operation == .elementwise(.lessEqual) else { return false }
    return instruction.operands == [parameter(parameters.count - 1), parameter(parameters.count - 2)]
  }
}

extension GraphRewriter {
  /// The value of `region` at every index of `shape`, as ops on tensors; its parameters are the indices.
  fileprivate mutating func compute(_ region: ScalarFunction, over shape: Shape, tables: [ValueID]) throws -> ValueID {
    var context = Decomposition(
      rewriter: self, op: .map, operands: [], attributes: Attributes([]), regions: [region], resultTypes: [])
    let dimensions = Dictionary(uniqueKeysWithValues: region.parameters.indices.map { (region.parameter($0), $0) })
    let values = try context.apply(region, tables: tables, shape: .init(full: shape, indexDimensions: dimensions)) {
      context, position in
      let type = TensorType(region.parameters[position].type, shape)
      return try context.emit(.iota, attributes: [Attribute(.dim, position)], stated: type)
    }
    self = context.rewriter
    return values[0]
  }
}

import HeedAnalysis
import HeedIR

/// Causal weights that are products of queries and keys, times factors of each row and a decay between the two: what
/// `linear_attention` computes in time linear in the number of rows.
///
///     select(j <= i, s, 0)                                     no decay
///     select(j <= i, s * exp(a[i] - a[j]), 0)                  log decay a[i] - a[i-1]     (Mamba-2)
///     select(i - j >= 0, s * power(c[h], i - j), 0)            log decay log(c[h])         (RetNet)
///     select(j <= i, s * exp(a[i] - a[j] + g[j]), 0)           the same, and keys times exp(g[j])     (mLSTM)
///
/// Whether an exponent is a difference is proved by putting the key's index in place of the query's: `a[i]` must become `a[j]`. That
/// the logarithm of `c[h]` exists is proved from the ops that make it.
struct DecayedProducts {
  private let factors: PairFactors

  /// Below as many rows, the product of all pairs is as fast.
  private static let fewestRows = 256

  /// The decayed products that the weights of `plan` are; nil where they are not made of the products in that way, or there are few.
  /// - Throws: `Declined` where weights that seem to be such products are not, and what to write instead.
  init?(_ plan: AttentionPlan) throws {
    let (graph, sum) = (plan.sum.graph, plan.sum)
    guard sum.weights.softmax == nil, sum.rowExtent.isEqual(to: sum.columnExtent, given: graph.facts),
      sum.rowExtent.constant.map({ $0 >= Self.fewestRows }) ?? true,
      graph.type(plan.query).element == graph.type(graph.result(sum.node)).element
    else { return nil }
    let value = graph.result(sum.node)
    func declined(_ reason: String) -> Declined { Declined(value: value, reason: reason) }
    do {
      guard let factors = try PairFactors(plan.score, table: { graph.realBounds(plan.captured[$0]) }) else { return nil }
      self.factors = factors
    } catch {
      throw declined(error.description)
    }
    let live = plan.live
    guard live.diagonal(of: live.results[0]) == 0 else {
      throw declined(
        live.constant(live.results[0])?.integer == 1
          ? "its weights are those of keys behind the query as well; a mask `j <= i` would leave these out"
          : "its mask is not `j <= i`")
    }
    let others = plan.outputs.nodes.filter { !plan.outputs.weightSums.contains($0) }
    guard others.isEmpty else {
      let names = others.map { graph.label(graph.results($0)[0]) }.joined(separator: " and ")
      throw declined("\(names) is made of its weights")
    }
  }

  /// Appends the op and the views around it. The sums of rows' weights are one more column of the result, whose values are 1.
  func build(_ plan: AttentionPlan, _ rewriter: inout GraphRewriter) throws -> BuiltAttention {
    let sum = plan.sum
    let batch = sum.batch
    let own = sum.graph.type(plan.query).element
    let hasSums = !plan.outputs.weightSums.isEmpty
    let element = factors.query == nil && factors.key == nil && !hasSums ? own : own.computed
    func arranged(
      _ value: ValueID, _ axes: [AttentionAxis?], _ target: [AttentionAxis], times factor: ScalarFunction? = nil
    ) throws -> ValueID {
      let value = try rewriter.result.converted(rewriter(value), to: element)
      let rows = try rewriter.result.arrange(value, axes, as: batch + target, extent: { sum.extent($0, width: plan.width) })
      guard let factor else { return rows }
      let shape = rewriter.result.type(rows).shape
      var factors = try compute(factor, over: Shape(shape.extents.dropLast()), plan, &rewriter)
      factors = try rewriter.append(
        .broadcast, [factors], attributes: [Attribute(.dims, Array(0..<shape.rank - 1))], stated: TensorType(element, shape))
      return try rewriter.append(.multiply, [rows, factors])
    }
    var operands = [
      try arranged(plan.query, plan.queryAxes, [.row, .width], times: factors.query),
      try arranged(plan.key, plan.keyAxes, [.column, .width], times: factors.key),
      try arranged(plan.values, sum.valueAxes, [.column, .valueWidth]),
    ]
    let width = rewriter.result.type(operands[2]).shape.extents.last!
    if hasSums {
      let one = try rewriter.result.appendScalar(1, element)
      let shape = Shape(rewriter.result.type(operands[2]).shape.extents.dropLast() + [1])
      let ones = try rewriter.append(.broadcast, [one], attributes: [Attribute(.dims, [])], stated: TensorType(element, shape))
      operands[2] = try rewriter.append(.concatenate, [operands[2], ones], attributes: [Attribute(.dim, shape.rank - 1)])
    }
    var attributes: [Attribute] = []
    func add(_ key: AttributeKey<CapturedOperand>, _ value: ValueID) {
      attributes.append(Attribute(key, CapturedOperand(operands.count - 3)))
      operands.append(value)
    }
    if let growth = factors.growth {
      let shape = Shape(sum.batchExtents + [sum.rowExtent])
      add(.decay, try compute(Self.ignoringFirst(growth), over: shape, plan, &rewriter))
    }
    if let ragged = plan.ragged { add(.ragged, rewriter(plan.captured[ragged])) }
    var result = try rewriter.append(.linearAttention, operands, attributes: attributes)
    if factors.number != 1 {
      let scale = try rewriter.result.appendScalar(factors.number, element)
      result = try rewriter.append(.multiply, [result, scale])
    }
    /// Columns of the result.
    func columns(_ start: Extent, _ stop: Extent) throws -> ValueID {
      let rows = Array(rewriter.result.type(result).shape.extents.dropLast())
      let (first, last) = (rows.map { _ in Extent(0) } + [start], rows + [stop])
      return try rewriter.append(.slice, [result], attributes: [Attribute(.start, first), Attribute(.stop, last)])
    }
    var sums: ValueID?
    if hasSums {
      let column = try columns(width, width + 1)
      let type = rewriter.result.type(column)
      sums = try rewriter.append(.reshape, [column], stated: TensorType(type.element, Shape(type.shape.extents.dropLast())))
      result = try columns(0, width)
    }
    let rows = try rewriter.result.converted(result, to: own)
    let back = try plan.arrangeBack(
      rows, batch + [.row, .valueWidth], nil, as: sum.resultAxes, sum.graph.type(sum.graph.result(sum.node)), &rewriter)
    return BuiltAttention(
      sum: back, weightSum: sums, query: operands[0], key: operands[1], tables: Array(operands.dropFirst(3)), regions: [])
  }

  /// What a logarithm grows by, with 0 for the first row, which decays nothing: what is before it may be no number.
  private static func ignoringFirst(_ growth: ScalarFunction) -> ScalarFunction {
    let last = growth.parameters.count - 1
    guard growth.reads(parameter: last) else { return growth }
    var region = FunctionBuilder(parameters: growth.parameters, tables: growth.tables)
    let own = region.inline(growth, growth.parameters.indices.map(region.parameter))[0]
    let (row, zero) = (region.parameter(last), region.constant(0, region.type(own)))
    let isFirst = region.apply(.less, row, region.constant(Literal(1), region.type(row)))
    return region.finish([region.apply(.select, isFirst, zero, own)])
  }

  private func compute(_ region: ScalarFunction, over shape: Shape, _ plan: AttentionPlan, _ rewriter: inout GraphRewriter) throws
    -> ValueID
  { try rewriter.compute(region, over: shape, tables: plan.captured.map { rewriter($0) }) }
}

extension PairFactors.Reason: CustomStringConvertible {
  var description: String {
    switch self {
    case .pair:
      "a factor of both rows is not e to the difference of one function of each; write it as `exp(a[i] - a[j])`, or as factors of one row"
    case .base(let mayBeZero):
      "the number whose power it is multiplied by may be \(mayBeZero ? "0" : "negative"); "
        + "write `exp((i - j) * log(gamma))`, or make gamma by an op whose result is positive, such as `sigmoid`"
    }
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

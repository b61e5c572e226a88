import HeedIR

/// The region of a statistic and the tensors that it reads.
struct StatisticValue {
  var region: ScalarFunction
  var tables: [ValueID]
  /// Whether the value for a weight of 0 is NaN as written and 0 as built.
  var guardsZero = false
}

extension AttentionStatistic {
  /// The number of a pair as scalar code over the weight, which is of type `element`, and the pair's indices; `tables` are captured
  /// already.
  func value(_ plan: AttentionPlan, _ element: ElementType) throws -> StatisticValue {
    let (graph, sum) = (plan.sum.graph, plan.sum)
    let indices = Array(plan.live.parameters)
    let narrow = graph.type(sum.weights.value).element
    let parameters = [ScalarFunction.Parameter("p", narrow)] + indices
    var reader = TensorReader(
      graph: graph, scores: sum.weights.value, indexType: indices[0].type,
      region: FunctionBuilder(parameters: parameters, rules: .scores), tables: sum.tables, through: node)
    let zero = reader.region.constant(0, indices[0].type)
    let axes: [AttentionAxis] = sum.batch + [.row, .column]
    let value = try reader.read(base, at: baseAxes.map { axis in axis.map { ScalarValue(1 + axes.firstIndex(of: $0)!) } ?? zero })
    let inside = graph.dependents(of: graph.result(plan.product), through: node)
    for table in reader.tables {
      guard let node = graph.definingNode(table), inside.contains(node) || node == plan.product else { continue }
      throw Declined(
        value: graph.results(self.node)[0], reason: "the statistic reads \(graph.label(table)), which is made from the scores")
    }
    // Over the weight in the type of sums, and over the tables of the other regions first.
    let tables = plan.captured + reader.tables.filter { !plan.captured.contains($0) }
    let declared =
      plan.score.tables + zip(reader.tables, reader.region.function.tables).filter { !plan.captured.contains($0.0) }.map(\.1)
    var region = FunctionBuilder(parameters: [ScalarFunction.Parameter("p", element)] + indices, tables: declared)
    let inner = reader.region.function.extracting(
      [value], parameters: parameters, numbers: Array(parameters.indices), tables: declared,
      tableMap: Dictionary(uniqueKeysWithValues: reader.tables.enumerated().map { ($0.offset, tables.firstIndex(of: $0.element)!) })
    )
    let weight = region.parameter(0)
    let narrowed = narrow == element ? weight : region.apply(.convert, weight, type: narrow)
    let arguments = [narrowed] + indices.indices.map { region.parameter($0 + 1) }
    var result = region.apply(.convert, region.inline(inner, arguments), type: element)
    let guardsZero = region.finish([result]).isNaNForZero
    if guardsZero {
      let none = region.constant(0, element)
      result = region.apply(.select, region.apply(.less, none, weight), result, none)
    }
    var function = region.function
    function.results = [result]
    return StatisticValue(region: function, tables: tables, guardsZero: guardsZero)
  }
}

extension ScalarFunction {
  /// Whether the function depends on its first parameter alone and is NaN for 0: p * log(p).
  fileprivate var isNaNForZero: Bool {
    guard parameters(of: results[0]).isSubset(of: [0]), tables(of: results).isEmpty else { return false }
    return (try? evaluate(parameters.map { _ in Literal(0.0) }))?[0].real.isNaN ?? false
  }
}

extension AttentionPlan {
  /// Appends a statistic of the weights; returns what stands for its node's results.
  func statistic(_ statistic: AttentionStatistic, of built: BuiltAttention, _ rewriter: inout GraphRewriter) throws -> [ValueID] {
    let logarithm = built.logSumExp!
    let element = rewriter.result.type(logarithm).element
    let node = statistic.node
    let types = sum.graph.results(node).map(sum.graph.type)
    let leading = [built.query, built.key, logarithm]
    let hasSink = sum.weights.sink != nil
    func sink(_ number: Int) -> [Attribute] { hasSink ? [Attribute(.sink, CapturedOperand(number))] : [] }
    guard case .reduction(let kind) = statistic.kind else {
      guard case .greatest(let count) = statistic.kind else { preconditionFailure("a kind that is not there") }
      let made = try rewriter.result.append(
        .attentionTopK, leading + built.tables, attributes: [Attribute(.count, count)] + sink(built.tables.count - 1),
        regions: built.regions)
      return try zip(rewriter.result.results(made), types).map { value, type in
        let target: [AttentionAxis] = sum.axes.compactMap { $0 == .column ? .valueWidth : $0 }
        let made = TensorType(rewriter.result.type(value).element, type.shape)
        return try converted(
          arrangeBack(value, sum.batch + [.row, .valueWidth], built.groups, as: target, made, &rewriter), type, &rewriter)
      }
    }
    let value = try statistic.value(self, element)
    var tables = value.tables.enumerated().map { position, table in
      position < captured.count
        ? built.tables[position] : rewriter(table)
    }
    var region = try built.groups?.split(value.region, leading: 1) ?? value.region
    if hasSink {
      tables.append(built.tables.last!)
      region.tables.append(built.regions[0].tables.last!)
    }
    let regions = built.regions.map { $0.over(region.tables) } + [region]
    let (rows, columns) = (statistic.block(.row)!, statistic.block(.column)!)
    var attributes: [Attribute] = [Attribute(.kind, kind), Attribute(.block, [rows, columns])] + sink(tables.count - 1)
    for (axis, key) in [(AttentionAxis.row, AttributeKey<[Extent]>.rows), (.column, .columns)] {
      guard let window = statistic.windows[axis] else { continue }
      attributes.append(Attribute(key, [window.start, window.stop]))
    }
    // Where heads alone are reduced, within the op: else the blocks of all are few.
    let within = statistic.isOfHeads ? statistic.reducedBatch : []
    if !within.isEmpty {
      let dims = within.flatMap { head in built.groups?.split(.batch(head)) ?? [.batch(head)] }
      attributes.append(Attribute(.dims, dims.compactMap { if case .batch(let number) = $0 { number } else { nil } }))
    }
    var result = try rewriter.append(.attentionReduce, leading + tables, attributes: attributes, regions: regions)
    // Without the dimensions of one block, the heads put together where they are, in the order that is wanted.
    let whole = rewriter.result.type(result)
    let batch = sum.batch.indices.filter { !within.contains($0) }
    var axes: [AttentionAxis] = batch.map { sum.batch[$0] } + [.row, .column]
    if built.groups != nil {
      let shape = Shape(batch.map { sum.batchExtents[$0] } + whole.shape.extents.suffix(2))
      result = try rewriter.append(.reshape, [result], stated: TensorType(element, shape))
    }
    let heads = within.isEmpty ? statistic.reducedBatch : []
    if !heads.isEmpty {
      result = try rewriter.append(
        .reduce, [result], attributes: [Attribute(.dims, heads), Attribute(.kind, kind)])
      axes = axes.indices.filter { !heads.contains($0) }.map { axes[$0] }
    }
    var target: [AttentionAxis] = []
    for part in statistic.kept {
      switch part {
      case .whole(let axis), .blocks(let axis, _): target.append(axis)
      case .inBlock(let axis): if target.last != axis { target.append(axis) }
      case .unit: break
      }
    }
    let extents = rewriter.result.type(result).shape.extents
    result = try rewriter.result.arrange(result, axes.map { target.contains($0) ? $0 : nil }, as: target) { axis in
      axes.firstIndex(of: axis).map { extents[$0] } ?? 1
    }
    let made = TensorType(element, types[0].shape)
    if rewriter.result.type(result) != made { result = try rewriter.append(.reshape, [result], stated: made) }
    return [try converted(result, types[0], &rewriter)]
  }

  /// `value` converted to `type`, which differs at most in the element type.
  func converted(_ value: ValueID, _ type: TensorType, _ rewriter: inout GraphRewriter) throws -> ValueID {
    rewriter.result.type(value) == type ? value : try rewriter.append(.convert, [value], stated: type)
  }
}

extension ScalarFunction {
  /// The function over these tables, of which those that it reads are the first.
  fileprivate func over(_ tables: [Table]) -> ScalarFunction {
    var function = self
    function.tables = tables
    return function
  }
}

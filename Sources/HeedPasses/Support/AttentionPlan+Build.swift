import HeedIR

/// A fused attention in the graph being made.
struct BuiltAttention {
  /// What stands for the weighted sum.
  var sum: ValueID
  /// `[batch..., M]`, where the plan's outputs want them.
  var logSumExp: ValueID?
  var relativeLogSumExp: ValueID?
  var maximum: ValueID?
  var weightSum: ValueID?
  /// The batch dimensions in two, where heads are grouped.
  var groups: GroupedHeads?
  /// The op's queries and keys, captured tensors and regions.
  var query: ValueID
  var key: ValueID
  var tables: [ValueID]
  /// `score` and `where`.
  var regions: [ScalarFunction]
}

extension AttentionPlan {
  /// Appends the op and the views around it.
  func build(_ rewriter: inout GraphRewriter) throws -> BuiltAttention {
    var tables: [ValueID] = []
    for table in captured { tables.append(rewriter(table)) }
    var operands = [(rewriter(query), queryAxes), (rewriter(key), keyAxes), (rewriter(values), sum.valueAxes.map { $0 })]
    var (batchExtents, regions) = (sum.batchExtents, [score, live] + (factor.map { [$0] } ?? []))
    let groups = GroupedHeads(self)
    if let groups {
      let sources = [nil] + groups.sources.map { $0.map { rewriter($0) } }
      for (position, (value, axes)) in operands.enumerated() {
        let split = try sources[position] ?? groups.split(value, axes, in: &rewriter.result)
        operands[position] = (split, axes.flatMap(groups.split))
      }
      batchExtents = groups.split(batchExtents)
      regions = try regions.enumerated().map { try groups.split($0.element, leading: $0.offset == 0 ? 1 : 0) }
    }
    func extent(_ axis: AttentionAxis) -> Extent {
      if case .batch(let number) = axis { batchExtents[number] } else { sum.extent(axis, width: width) }
    }
    let batch = batchExtents.indices.map { AttentionAxis.batch($0) }
    let targets = [batch + [.row, .width], batch + [.column, .width], batch + [.column, .valueWidth]]
    let arranged = try zip(operands, targets).map { try rewriter.result.arrange($0.0, $0.1, as: $1, extent: extent) }
    var attributes = ragged.map { [Attribute(.ragged, CapturedOperand($0))] } ?? []
    if let sink = sum.weights.sink {
      // A column of the weights' shape.
      let axes = sum.axes.map { $0 == .column ? nil : $0 }
      let split = try groups?.split(rewriter(sink), axes, in: &rewriter.result) ?? rewriter(sink)
      tables.append(
        try rewriter.result.arrange(split, groups.map { axes.flatMap($0.split) } ?? axes, as: batch + [.row], extent: extent))
      attributes.append(Attribute(.sink, CapturedOperand(tables.count - 1)))
      let type = rewriter.result.type(tables.last!)
      for position in regions.indices { regions[position].tables.append(ScalarFunction.Table("sink", type)) }
    }
    if sum.weights.softmax == nil { attributes.append(Attribute(.weights, .score)) }
    if outputs.wantsLogSumExp { attributes.append(Attribute(.logSumExp, true)) }
    if !outputs.relativeLogSumExps.isEmpty { attributes.append(Attribute(.relativeLogSumExp, true)) }
    if !outputs.maxima.isEmpty { attributes.append(Attribute(.maximum, true)) }
    if !outputs.weightSums.isEmpty { attributes.append(Attribute(.weightSum, true)) }
    let node = try rewriter.result.append(.attention, arranged + tables, attributes: attributes, regions: regions)
    let graph = rewriter.result
    var built = BuiltAttention(
      sum: graph.result(node, .output)!, logSumExp: graph.result(node, .logSumExp),
      relativeLogSumExp: graph.result(node, .relativeLogSumExp), maximum: graph.result(node, .maximum),
      weightSum: graph.result(node, .weightSum), groups: groups, query: arranged[0], key: arranged[1], tables: tables,
      regions: Array(regions.prefix(2)))
    // Back into the order of the written product; a row or a width that it does not have is of extent 1.
    let type = sum.graph.type(sum.graph.result(sum.node))
    let summed = TensorType(rewriter.result.type(built.sum).element, type.shape)
    let arrangedBack = try arrangeBack(
      built.sum, sum.batch + [.row, .valueWidth], groups, as: sum.resultAxes, summed, &rewriter)
    built.sum = try rewriter.result.converted(arrangedBack, to: type.element)
    return built
  }

  /// What stands for the results of an output: one number per row, or a statistic.
  func output(_ node: NodeID, of built: BuiltAttention, _ rewriter: inout GraphRewriter) throws -> [ValueID] {
    if let found = outputs.statistics.first(where: { $0.node == node }) { return try statistic(found, of: built, &rewriter) }
    let isWeightSum = outputs.weightSums.contains(node)
    let rows =
      if isWeightSum {
        built.weightSum
      } else if outputs.logSumExps.contains(node) {
        built.logSumExp
      } else {
        outputs.relativeLogSumExps.contains(node) ? built.relativeLogSumExp : built.maximum
      }
    guard let rows else { preconditionFailure("an output that was not built") }
    let type = sum.graph.type(sum.graph.result(node))
    let target = (isWeightSum ? sum.weighingAxes : sum.axes).compactMap { $0 == .column ? nil : $0 }
    let value = try arrangeBack(
      rows, sum.batch + [.row], built.groups, as: target, TensorType(rewriter.result.type(rows).element, type.shape), &rewriter)
    return [try converted(value, type, &rewriter)]
  }

  /// `value`, whose dimensions are `axes` with the batch as it was split, in the order of dimensions `target` and of type `type`.
  func arrangeBack(
    _ value: ValueID, _ axes: [AttentionAxis], _ groups: GroupedHeads?, as target: [AttentionAxis], _ type: TensorType,
    _ rewriter: inout GraphRewriter
  ) throws -> ValueID {
    var value = value
    if groups != nil {
      let split = rewriter.result.type(value)
      let rest = split.shape.extents.suffix(axes.count - sum.batchCount)
      value = try rewriter.append(.reshape, [value], stated: TensorType(split.element, Shape(sum.batchExtents + rest)))
    }
    value = try rewriter.result.arrange(
      value, axes.map { target.contains($0) ? $0 : nil }, as: target, extent: { sum.extent($0, width: width) })
    // The written type may name an equal extent by another symbol.
    return rewriter.result.type(value) == type ? value : try rewriter.append(.reshape, [value], stated: type)
  }
}

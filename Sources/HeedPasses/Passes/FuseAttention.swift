import HeedIR

extension GraphPass {
  /// `fuse-attention` makes one op of a product of queries and keys, score arithmetic, a softmax and the weighted sum of values.
  ///
  ///     %scores = contract %q, %k {subscripts = "bhid,bhjd->bhij"} : f32[B, 8, S, S]
  ///     %scaled = multiply %scores, 0.125 : f32[B, 8, S, S]
  ///     %i = iota {dim = 2} : i32[B, 8, S, S]
  ///     %j = iota {dim = 3} : i32[B, 8, S, S]
  ///     %live = less_equal %j, %i : bool[B, 8, S, S]
  ///     %masked = select %live, %scaled, -inf : f32[B, 8, S, S]
  ///     %probs = softmax %masked {dim = 3} : f32[B, 8, S, S]
  ///     %out = contract %probs, %v {subscripts = "bhij,bhje->bhie"} : f32[B, 8, S, 64]
  /// becomes
  ///     %out = attention %q, %k, %v score (%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
  ///       %scaled = multiply %s, 0.125 : f32
  ///       yield %scaled
  ///     } where (%b: i32, %h: i32, %i: i32, %j: i32) {
  ///       %live = less_equal %j, %i : bool
  ///       yield %live
  ///     } : f32[B, 8, S, 64]
  ///
  /// What lies between product and softmax is written as scalar code of one pair: iotas become indices, broadcasts, transposes and
  /// reshapes become index arithmetic, other tensors are captured and read by element. `MaskSplit` then takes the mask out of the
  /// score. Legal because every op between is elementwise or a view, so that each score depends on one product alone; because
  /// nothing else uses scores or probabilities; and because a dead pair's score is -inf (or a finite number that the numeric
  /// contract counts as such), whose weight is 0. Operands are brought into the op's order of dimensions by views.
  public static let fuseAttention = GraphPass(
    "fuse-attention", summary: "make one op of product, score, softmax and weighted sum"
  ) { graph, context in
    // A use that nothing needs is no use.
    graph.eliminateDeadNodes()
    var rewriter = GraphRewriter(graph)
    for node in graph.body {
      guard graph.op(node) === Op.contract, let (plan, value) = fuse(node, &rewriter, &context) else {
        rewriter.copy(node)
        continue
      }
      rewriter.replace(graph.result(node), with: value)
      context.remark(.applied, value, in: rewriter.result, "fused into attention; " + plan.findings.joined(separator: "; "))
      for note in plan.notes { context.remark(.note, value, in: rewriter.result, note) }
    }
    graph = rewriter.finish()
    graph.eliminateDeadNodes()
  }

  /// The plan for the weighted sum that `node` is and the value appended by it; nil, after a remark, where it is not fused.
  private static func fuse(
    _ node: NodeID, _ rewriter: inout GraphRewriter, _ context: inout PassContext
  ) -> (AttentionPlan, ValueID)? {
    let graph = rewriter.source
    do {
      guard let sum = try WeightedSum(graph, node) else { return nil }
      let plan = try AttentionPlan.make(sum)
      var built = rewriter
      let value = try plan.build(&built)
      rewriter = built
      return (plan, value)
    } catch let declined as Declined {
      context.remark(.declined, declined.value, in: graph, "not fused into attention: \(declined.reason)")
    } catch {
      context.remark(.declined, graph.result(node), in: graph, "not fused into attention: \(error)")
    }
    return nil
  }
}

extension AttentionPlan {
  /// Appends the op and the views around it; gives the value that stands for the weighted sum.
  func build(_ rewriter: inout GraphRewriter) throws -> ValueID {
    var tables: [ValueID] = []
    for (table, declared) in zip(captured, score.tables) {
      switch table {
      case .value(let value): tables.append(rewriter(value))
      case .extent(let extent):
        tables.append(
          try rewriter.append(
            .extent, [], attributes: [Attribute("value", .extents(Shape([extent])))], stated: declared.type,
            name: declared.name))
      }
    }
    var operands = [(rewriter(query), queryAxes), (rewriter(key), keyAxes), (rewriter(values), sum.valueAxes.map { $0 })]
    var (batchExtents, regions) = (sum.batchExtents, [score, live])
    let groups = GroupedHeads(self)
    if let groups {
      let sources = [nil] + groups.sources.map { $0.map { rewriter($0) } }
      for (position, (value, axes)) in operands.enumerated() {
        let split = try sources[position] ?? groups.split(value, axes, in: &rewriter.result)
        operands[position] = (split, axes.flatMap(groups.split))
      }
      batchExtents = groups.split(batchExtents)
      regions = [try groups.split(score, leading: 1), try groups.split(live, leading: 0)]
    }
    func extent(_ axis: AttentionAxis) -> Extent {
      if case .batch(let number) = axis { batchExtents[number] } else { sum.extent(axis, width: width) }
    }
    let batch = batchExtents.indices.map { AttentionAxis.batch($0) }
    let targets = [batch + [.row, .width], batch + [.column, .width], batch + [.column, .valueWidth]]
    let arranged = try zip(operands, targets).map { try rewriter.result.arrange($0.0, $0.1, as: $1, extent: extent) }
    let attributes = ragged.map { [Attribute("ragged", .integer($0))] } ?? []
    var value = try rewriter.append(.attention, arranged + tables, attributes: attributes, regions: regions)
    if groups != nil {
      let type = rewriter.result.type(value)
      value = try rewriter.append(
        .reshape, [value], stated: TensorType(type.element, Shape(sum.batchExtents + type.shape.extents.suffix(2))))
    }
    // Back into the order of the written product; a row or a width that it does not have is of extent 1.
    let made = sum.batch + [.row, .valueWidth]
    let type = sum.graph.type(sum.graph.result(sum.node))
    value = try rewriter.result.arrange(
      value, made.map { sum.resultAxes.contains($0) ? $0 : nil }, as: sum.resultAxes, extent: { sum.extent($0, width: width) })
    // The written type may name an equal extent by another symbol.
    return rewriter.result.type(value) == type ? value : try rewriter.append(.reshape, [value], stated: type)
  }
}

import HeedIR

extension LoweringRule {
  /// Rows of a table by index. For an index outside, the row is NaN, or 0 for an integer table; an input's indices are checked at
  /// the call.
  static let gather = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let dimension = context.graph.attributes(node).required(.dim)
    let type = context.graph.type(context.graph.result(node))
    let indexRank = context.graph.type(operands[1]).rank
    if let buffer = context.inputBuffer(operands[1]) {
      context.addCheck(.indices(buffer: buffer, limit: context.graph.type(operands[0]).shape[dimension]))
    }
    let (table, indices) = (try context.view(operands[0]), try context.view(operands[1]))
    let output = context.allocateResult(node)
    let builder = KernelBuilder(Op.gather)
    let (boundTable, boundIndices) = (builder.input(table, guarding: [dimension]), builder.input(indices))
    let target = builder.output(output)
    let outside = type.element.isFloat ? Literal(Double.nan) : Literal(0)
    builder.elementwisePhase("run", type.shape.extents) { body, at in
      let index = IntegerExpression.load(boundIndices.access(Array(at[dimension..<(dimension + indexRank)])))
      let source = at[..<dimension] + [index] + at[(dimension + indexRank)...]
      let value = body.load(boundTable.access(Array(source), guarded: [dimension]), type.element, otherwise: outside)
      body.store(value, target.access(at))
    }
    try context.emit(builder, cost: context.cost(node))
  }

  /// The base with rows replaced at indices, in order; rows with an index outside are dropped. Where the base lies in the result's place,
  /// as a state does, nothing else is written.
  static let scatter = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let type = context.graph.type(context.graph.result(node))
    let (rows, updates) = (try context.view(operands[1]), try context.view(operands[2]))
    let output = context.allocateResult(node)
    context.keepAtCall(output, unlessAllKnown: operands)
    if context.source(operands[0]) != .view(output) {
      try context.emitElementwise(
        "copy", shape: type.shape.extents, inputs: [(context.source(operands[0]), type.element)], outputs: [output]
      ) { _, values in values }
    }
    try context.emitScatter(node, rows: rows, updates: updates, into: output) { body, update, place in body.store(update, place) }
  }

  /// The base with rows added at indices, in order; rows with an index outside are dropped.
  static let scatterAdd = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let dimension = context.graph.attributes(node).required(.dim)
    let type = context.graph.type(context.graph.result(node))
    let (rows, updates) = (try context.view(operands[1]), try context.view(operands[2]))
    let result = context.allocateResult(node)
    // What is stored in fewer bits is summed in memory of its own.
    let computed = type.element.computed
    let isNarrow = computed != result.element
    let wide = TensorType(computed, type.shape)
    let output = isNarrow ? LoweringContext.rowMajor(context.addBuffer(.none, wide, .slot(0)), wide) : result
    context.keepAtCall(output, unlessAllKnown: operands)
    try context.emitElementwise(
      "copy", shape: type.shape.extents, inputs: [(context.source(operands[0]), type.element)], outputs: [output]
    ) { _, values in values }
    try context.emitScatter(node, rows: rows, updates: updates, into: output) { body, update, place in
      if computed.accumulated == computed {
        body.accumulate(.add, update, place)
      } else {
        body.store(body.apply(.add, body.load(place, computed, otherwise: Literal(0)), update), place)
      }
    }
    if isNarrow {
      try context.emitElementwise(
        "round", shape: type.shape.extents, inputs: [(.view(output), computed)], outputs: [result]
      ) { _, values in values }
    }
  }

  /// The number of each row's segment: every segment writes its own rows. Offsets that the graph computes are not known to cover
  /// the rows: then each row counts the segments that end before it.
  static let segmentIDs = LoweringRule { context, node in
    let offsets = context.graph.operands(node).first!
    let type = context.graph.type(context.graph.result(node))
    let view = try context.offsets(offsets, total: type.shape[0])
    let output = context.allocateResult(node)
    let builder = KernelBuilder(Op.segmentIDs)
    let bound = builder.input(view)
    let target = builder.output(output)
    let segmentCount = IntegerExpression(view.shape[0] - 1)
    if context.inputBuffer(offsets) != nil {
      let (domain, segment) = builder.dimension("s", segmentCount)
      builder.phase("run", [domain]) {
        let start = builder.define("start", .load(bound.access([segment])))
        let count = builder.define("count", .load(bound.access([segment + 1])) - start)
        builder.map([("c", count)]) { body, at in
          body.store(body.index(segment, type.element), target.access([start + at[0]], guarded: [0]))
        }
      }
    } else {
      let (domain, row) = builder.dimension("t", IntegerExpression(type.shape[0]))
      builder.phase("run", [domain]) {
        let count = builder.scalar("count", .i64, initial: 0)
        builder.map([("s", segmentCount)]) { body, at in
          let ended = IntegerExpression.apply(.lessEqual, .load(bound.access([at[0] + 1])), row)
          body.accumulate(.add, body.index(ended, .i64), count.access)
        }
        builder.set(target.access([row]), count.value)
      }
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

extension LoweringContext {
  /// The kernel that goes through the updates of a scatter, in order, and does something with each element and its place in the result.
  fileprivate mutating func emitScatter(
    _ node: NodeID, rows: StridedView, updates: StridedView, into output: StridedView,
    _ store: (_ body: inout BodyBuilder, _ update: BodyValue, _ place: Access) -> Void
  ) throws {
    let (type, dimension) = (graph.type(graph.result(node)), graph.attributes(node).required(.dim))
    let builder = KernelBuilder(graph.op(node))
    let (boundIndices, boundUpdates) = (builder.input(rows), builder.input(updates))
    let target = builder.output(output, role: .readWrite, guarding: [dimension])
    // Parallel and vectorised over the other dimensions, in order over the rows.
    let columns = dimension == type.rank - 1 ? nil : type.rank - 1
    let parallel = (0..<type.rank).filter { $0 != dimension && $0 != columns }
    let (domain, indices) = builder.domain(parallel.map { (Name("d\($0)"), type.shape[$0]) })
    var at = type.shape.extents.map { _ in IntegerExpression(0) }
    for (position, index) in zip(parallel, indices) { at[position] = index }
    builder.phase("run", domain) {
      builder.loop("k", to: IntegerExpression(rows.shape[0])) { row in
        builder.map([("c", columns.map { IntegerExpression(type.shape[$0]) } ?? 1)]) { body, inner in
          var (from, to) = (at, at)
          from[dimension] = row
          to[dimension] = .load(boundIndices.access([row]))
          if let columns { (from[columns], to[columns]) = (inner[0], inner[0]) }
          let update = body.load(boundUpdates.access(from), output.element.computed)
          store(&body, update, target.access(to, guarded: [dimension]))
        }
      }
    }
    try emit(builder, cost: cost(node))
  }

  /// A value that holds the offsets of segments of `total` rows. An input's offsets are checked at the call.
  mutating func offsets(_ value: ValueID, total: Extent) throws -> StridedView {
    if let buffer = inputBuffer(value) { addCheck(.offsets(buffer: buffer, total: total)) }
    return try view(value)
  }
}

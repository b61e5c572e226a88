import HeedIR

extension LoweringRule {
  /// Fused attention: one pass over the keys with a running maximum and sum, so that no score matrix is stored.
  ///
  /// For each block of query rows: the scores of a block of keys in scratch memory, the score and where regions on them, the running
  /// maximum, the weights 2^(score - maximum), and their product with the values added to an accumulator that is rescaled when the
  /// maximum moves. Keys are packed once into panels. (Online softmax: Milakov and Gimelshein 2018; tiling: Dao et al. 2022.)
  static let fusedTiles = LoweringRule { context, node in
    try context.requireCompiledTypes(node)
    var lowering = try AttentionLowering(&context, node)
    try lowering.emit(&context)
  }
}

/// The state of lowering one attention op.
struct AttentionLowering {
  private let node: NodeID
  private let element: ElementType
  private let batchRank: Int
  private let batch: [Extent]
  private let queries: Extent
  private let keys: Extent
  private let depth: Extent
  private let valueWidth: Extent
  private let score: ScalarFunction
  private let condition: ScalarFunction
  /// log2(e) times the scale, where the score region only scales; it is then folded into the query.
  private let foldedScale: Double?
  private let isMasked: Bool
  /// The number of the captured tensor that holds segment offsets.
  private let offsetsTable: Int?

  private let rowBlock: Int
  private let keyBlock: Int
  private let panelWidth: Int

  private var builder: KernelBuilder
  private let query: BoundView
  private let key: BoundView
  private let value: BoundView
  private let tables: [BoundSource]
  private let output: BoundView
  private let panels: Place
  /// The batch dimensions along which keys differ; the others share panels.
  private let panelDimensions: [Int]
  private let segmentCount: Extent

  private static let log2e = 1.4426950408889634

  init(_ context: inout LoweringContext, _ node: NodeID) throws {
    let graph = context.graph
    self.node = node
    let operands = Array(graph.operands(node))
    let types = operands.map(graph.type)
    let rank = types[0].rank
    element = types[0].element
    batchRank = rank - 2
    batch = Array(types[0].shape.extents.prefix(rank - 2))
    (queries, depth) = (types[0].shape[rank - 2], types[0].shape[rank - 1])
    keys = types[1].shape[rank - 2]
    valueWidth = types[2].shape[rank - 1]
    (score, condition) = (graph.regions(node).first!, graph.regions(node).last!)
    foldedScale = score.scaleOfFirstParameter.map { $0 * Self.log2e }
    isMasked = condition.constant(condition.results[0])?.integer != 1
    let attributes = graph.attributes(node)
    offsetsTable = attributes["ragged"] == nil ? nil : attributes.integer("ragged")

    panelWidth = 3 * context.target.lanes(of: element)
    let tile = attributes["tile"] == nil ? [96, 8 * panelWidth] : attributes.integers("tile")
    rowBlock = max(1, tile[0])
    keyBlock = (tile[1] + panelWidth - 1) / panelWidth * panelWidth

    let views = try operands.prefix(3).map { try context.view($0) }
    var sources = operands.dropFirst(3).map { context.source($0) }
    if let offsetsTable {
      sources[offsetsTable] = .view(try context.offsets(operands[3 + offsetsTable], total: queries))
      segmentCount = types[3 + offsetsTable].shape[0] - 1
    } else {
      segmentCount = 1
    }
    let result = context.allocateResult(node)
    builder = KernelBuilder("attention")
    (query, key, value) = (builder.input(views[0]), builder.input(views[1]), builder.input(views[2]))
    var bound: [BoundSource] = []
    for source in sources { bound.append(builder.input(source)) }
    tables = bound
    output = builder.output(result)
    let key = key
    panelDimensions = (0..<batchRank).filter { key.kept.contains($0) }
    let batch = batch
    // A segment's panels begin at floor(offset / width) + segment: one spare panel for each segment keeps them apart.
    let panelCount =
      offsetsTable == nil ? keys.dividedRoundingUp(by: panelWidth) : keys.dividedRoundingDown(by: panelWidth) + segmentCount
    panels = builder.workspace(
      "panels", TensorType(element, Shape(panelDimensions.map { batch[$0] } + [panelCount, depth, Extent(panelWidth)])))
  }

  mutating func emit(_ context: inout LoweringContext) throws {
    if offsetsTable == nil {
      packKeys()
      try attend(context: &context)
    } else {
      // The blocks of a segment stand at floor(offset / rows) + segment in a table: its number, or -1 in the spare places.
      let blocks = queries.dividedRoundingDown(by: rowBlock) + segmentCount
      let table = builder.workspace("blocks", TensorType(.i32, [blocks]))
      numberBlocks(table)
      packSegmentKeys()
      try attendSegments(table, blocks, context: &context)
    }
    try context.emit(builder, cost: context.cost(node))
  }

  // MARK: Packing

  private mutating func batchDomain(_ dimensions: [Int]) -> (domain: [Dimension], indices: [IntegerExpression]) {
    var domain: [Dimension] = []
    var indices: [IntegerExpression] = []
    for position in dimensions {
      let (dimension, index) = builder.dimension(Name("b\(position)"), IntegerExpression(batch[position]))
      domain.append(dimension)
      indices.append(index)
    }
    return (domain, indices)
  }

  /// The index of a view's element at batch indices that cover `panelDimensions` alone.
  private func keyIndices(_ panelIndices: [IntegerExpression], _ row: IntegerExpression, _ column: IntegerExpression) -> [IntegerExpression] {
    var all = [IntegerExpression](repeating: 0, count: batchRank)
    for (dimension, index) in zip(panelDimensions, panelIndices) { all[dimension] = index }
    return all + [row, column]
  }

  private mutating func packPanel(
    _ panelIndices: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, in block: inout [Statement]
  ) {
    let (key, panels, element, self_) = (key, panels, element, self)
    builder.map([("d", IntegerExpression(depth)), ("c", .constant(panelWidth))], in: &block) { body, at in
      let x = body.load(
        key.access(self_.keyIndices(panelIndices, firstKey + at[1], at[0]), guarded: [self_.batchRank]), element, otherwise: Literal(0.0))
      body.store(x, Access(panels, (panelIndices + [panel, at[0], at[1]]).map { Access.Index($0) }))
    }
  }

  private mutating func packKeys() {
    let (domain, indices) = batchDomain(panelDimensions)
    let (panelDomain, panel) = builder.dimension("p", IntegerExpression(keys.dividedRoundingUp(by: panelWidth)))
    var block: [Statement] = []
    packPanel(indices, panel: panel, firstKey: panel * .constant(panelWidth), in: &block)
    builder.phase("pack", domain + [panelDomain], block)
  }

  private func offset(_ segment: IntegerExpression) -> IntegerExpression {
    guard case .view(let view) = tables[offsetsTable!] else { preconditionFailure("offsets are read from memory") }
    let total = IntegerExpression(queries)
    return .smaller(.apply(.maximum, .load(view.access([segment])), 0), total)
  }

  /// `let`s for the first row of a segment and the number of its rows.
  private mutating func segmentBounds(_ segment: IntegerExpression, in block: inout [Statement]) -> (start: IntegerExpression, length: IntegerExpression) {
    let start = builder.define("start", offset(segment), in: &block)
    let length = builder.define("length", .apply(.maximum, offset(segment + 1) - start, 0), in: &block)
    return (start, length)
  }

  private mutating func numberBlocks(_ table: Place) {
    let (domain, segment) = builder.dimension("s", IntegerExpression(segmentCount))
    var block: [Statement] = []
    let (start, length) = segmentBounds(segment, in: &block)
    let first = builder.define("first", start / .constant(rowBlock) + segment, in: &block)
    let next = builder.define("next", (start + length) / .constant(rowBlock) + segment + 1, in: &block)
    let used = builder.define("used", length.ceilingDivided(by: rowBlock), in: &block)
    builder.map([("c", next - first)], in: &block) { body, at in
      let isUsed = body.index(.apply(.less, at[0], used), .i32)
      // segment where used, else -1: (segment + 1) * used - 1
      let number = body.index((segment + 1) * .value(isUsed) - 1, .i32)
      body.store(number, Access(table, [Access.Index(first + at[0], isGuarded: true)]))
    }
    builder.phase("number_blocks", [domain], block)
  }

  private mutating func packSegmentKeys() {
    let (domain, indices) = batchDomain(panelDimensions)
    let (segments, segment) = builder.dimension("s", IntegerExpression(segmentCount))
    var block: [Statement] = []
    let (start, length) = segmentBounds(segment, in: &block)
    let first = builder.define("first", start / .constant(panelWidth) + segment, in: &block)
    let step = builder.variable("p")
    var round: [Statement] = []
    packPanel(indices, panel: first + .variable(step), firstKey: start + .variable(step) * .constant(panelWidth), in: &round)
    block.append(.loop(Loop(step, from: 0, to: length.ceilingDivided(by: panelWidth), step: 1, body: round)))
    builder.phase("pack", domain + [segments], block)
  }

  // MARK: Attending

  private mutating func attend(context: inout LoweringContext) throws {
    let (domain, indices) = batchDomain(Array(0..<batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(queries.dividedRoundingUp(by: rowBlock)))
    var body: [Statement] = []
    let firstRow = builder.define("i0", block * .constant(rowBlock), in: &body)
    let rows = builder.define("rows", .blockSize(queries, block: firstRow, size: rowBlock), in: &body)
    try attendRows(
      indices, firstRow: firstRow, rows: rows, firstKey: 0, keyCount: IntegerExpression(keys), firstPanel: 0,
      isEvenlyBlocked: keys.dividedExactly(by: keyBlock) != nil, context: &context, in: &body)
    builder.phase("attend", domain + [blocks], body)
  }

  private mutating func attendSegments(_ table: Place, _ blockCount: Extent, context: inout LoweringContext) throws {
    let (domain, indices) = batchDomain(Array(0..<batchRank))
    let (blocks, block) = builder.dimension("t", IntegerExpression(blockCount))
    var body: [Statement] = []
    let segment = builder.define("s", .load(Access(table, block)), in: &body)
    var used: [Statement] = []
    let (start, length) = segmentBounds(segment, in: &used)
    let local = builder.define("local", (block - start / .constant(rowBlock) - segment) * .constant(rowBlock), in: &used)
    let rows = builder.define("rows", .smaller(length - local, .constant(rowBlock)), in: &used)
    let firstRow = builder.define("i0", start + local, in: &used)
    let firstPanel = builder.define("first_panel", start / .constant(panelWidth) + segment, in: &used)
    try attendRows(
      indices, firstRow: firstRow, rows: rows, firstKey: start, keyCount: length, firstPanel: firstPanel, isEvenlyBlocked: false,
      context: &context, in: &used)
    body.append(.branch(condition: .apply(.lessEqual, 0, segment), then: used, otherwise: []))
    builder.phase("attend", domain + [blocks], body)
  }

  /// A block of query rows against `keyCount` keys from `firstKey` on.
  private mutating func attendRows(
    _ batchIndices: [IntegerExpression], firstRow: IntegerExpression, rows: IntegerExpression, firstKey: IntegerExpression,
    keyCount: IntegerExpression, firstPanel: IntegerExpression, isEvenlyBlocked: Bool, context: inout LoweringContext,
    in block: inout [Statement]
  ) throws {
    guard let depth = depth.constant, let valueWidth = valueWidth.constant else {
      throw context.unsupported(node, "the head width must be a constant")
    }
    let element = element
    let queryTile = builder.tile("query", element, [rowBlock, max(depth, 1)], in: &block)
    let scores = builder.tile("scores", element, [rowBlock, keyBlock], in: &block)
    let accumulator = builder.tile("accumulator", element, [rowBlock, max(valueWidth, 1)], in: &block)
    let maximum = builder.tile("maximum", element, [rowBlock], in: &block)
    let sum = builder.tile("sum", element, [rowBlock], in: &block)
    let blockMaximum = builder.tile("block_maximum", element, [rowBlock], in: &block)
    let rescale = builder.tile("rescale", element, [rowBlock], in: &block)
    let moved = builder.tile("moved", .i32, [1], in: &block)

    let (query, foldedScale) = (query, foldedScale)
    try builder.map([("r", rows), ("d", .constant(depth))], in: &block) { body, at in
      let x = body.load(query.access(batchIndices + [firstRow + at[0], at[1]]), element)
      body.store(try body.apply(.multiply, x, body.constant(foldedScale ?? 1, element)), Access(queryTile, at[0], at[1]))
    }
    builder.map([("r", rows), ("e", .constant(valueWidth))], in: &block) { body, at in
      body.store(body.constant(0, element), Access(accumulator, at[0], at[1]))
    }
    builder.map([("r", rows)], in: &block) { body, at in
      body.store(body.constant(-.infinity, element), Access(maximum, at[0]))
      body.store(body.constant(0, element), Access(sum, at[0]))
    }

    let keyStart = builder.variable("j0")
    let j0 = IntegerExpression.variable(keyStart)
    var round: [Statement] = []
    let columns = isEvenlyBlocked
      ? .constant(keyBlock) : builder.define("columns", .smaller(keyCount - j0, .constant(keyBlock)), in: &round)

    // The verdict on this tile of the score matrix.
    var verdict = IntervalTwin.Verdict(canHold: 1, canFail: isMasked ? 1 : 0)
    if isMasked {
      let rectangle = IndexRectangle(
        firstQuery: firstRow, lastQuery: firstRow + rows - 1, firstKey: firstKey + j0, lastKey: firstKey + j0 + columns - 1)
      verdict = IntervalTwin.verdict(of: condition, over: rectangle, uniform: batchIndices, builder: &builder, block: &round)
      verdict.canHold = builder.define("live", verdict.canHold, in: &round)
      verdict.canFail = builder.define("partial", verdict.canFail, in: &round)
      describe(verdict, context: &context)
    }

    var live: [Statement] = []
    let (rowDimension, r) = builder.dimension("r", rows)
    let (panelDimension, p) = builder.dimension("p", columns.ceilingDivided(by: panelWidth))
    let (columnDimension, c) = builder.dimension("c", .constant(panelWidth))
    let (depthDimension, d) = builder.dimension("d", .constant(depth))
    var storeScore = Body(parameters: [ScalarFunction.Parameter("score", element)])
    storeScore.store(BodyValue(0), Access(scores, r, p * .constant(panelWidth) + c))
    let panelIndices = panelDimensions.map { batchIndices[$0] }
    let firstPanelHere = firstPanel + j0 / .constant(panelWidth)
    live.append(
      .contract(
        Contraction(
          rows: rowDimension, columns: [panelDimension, columnDimension], over: [depthDimension], left: Access(queryTile, r, d),
          right: Access(panels, (panelIndices + [firstPanelHere + p, d, c]).map { Access.Index($0) }), accumulator: element,
          epilogue: storeScore)))
    builder.map([("r", rows)], in: &live) { body, at in
      body.store(body.constant(-.infinity, element), Access(blockMaximum, at[0]))
    }
    // Scores with the regions applied, and the maximum of each row.
    let applyRegions = { (builder: inout KernelBuilder, block: inout [Statement], self_: AttentionLowering, isPartial: Bool) throws in
      try builder.map([("r", rows), ("c", columns)], in: &block) { body, at in
        let place = Access(scores, at[0], at[1])
        let raw = body.load(place, element)
        let indices = batchIndices + [firstRow + at[0], firstKey + j0 + at[1]]
        var result = raw
        if self_.foldedScale == nil {
          let scored = self_.inline(self_.score, [raw], indices, in: &body)
          result = try body.apply(.multiply, scored, body.constant(Self.log2e, element))
        }
        if isPartial {
          let isLive = self_.inline(self_.condition, [], indices, in: &body)
          result = try body.apply(.select, isLive, result, body.constant(-.infinity, element))
        }
        if result != raw { body.store(result, place) }
        body.accumulate(.maximum, result, Access(blockMaximum, at[0]))
      }
    }
    if verdict.canFail == 0 {
      try applyRegions(&builder, &live, self, false)
    } else if verdict.canFail == 1 {
      try applyRegions(&builder, &live, self, true)
    } else {
      var (partial, full): ([Statement], [Statement]) = ([], [])
      try applyRegions(&builder, &partial, self, true)
      try applyRegions(&builder, &full, self, false)
      live.append(.branch(condition: verdict.canFail, then: partial, otherwise: full))
    }

    // The new maximum; a row that has seen nothing live is shifted by 0, not by -inf.
    builder.map([("u", 1)], in: &live) { body, _ in body.store(body.append(Body.Instruction(.constant(Literal(0)), type: .i32)), Access(moved, 0)) }
    try builder.map([("r", rows)], in: &live) { body, at in
      let old = body.load(Access(maximum, at[0]), element)
      let new = try body.apply(.maximum, old, body.load(Access(blockMaximum, at[0]), element))
      let nothing = body.constant(-.infinity, element)
      let zero = body.constant(0, element)
      let isDead = try body.apply(.equal, new, nothing)
      let shift = try body.apply(.select, isDead, zero, new)
      let factor = try body.apply(.exp2, try body.apply(.subtract, old, shift))
      body.store(new, Access(maximum, at[0]))
      body.store(shift, Access(blockMaximum, at[0]))
      body.store(factor, Access(rescale, at[0]))
      body.store(try body.apply(.multiply, body.load(Access(sum, at[0]), element), factor), Access(sum, at[0]))
      let hasMoved = try body.apply(.convert, try body.apply(.notEqual, old, new), type: .i32)
      body.accumulate(.maximum, hasMoved, Access(moved, 0))
    }
    var rescaling: [Statement] = []
    try builder.map([("r", rows), ("e", .constant(valueWidth))], in: &rescaling) { body, at in
      let place = Access(accumulator, at[0], at[1])
      body.store(try body.apply(.multiply, body.load(place, element), body.load(Access(rescale, at[0]), element)), place)
    }
    live.append(.branch(condition: .apply(.notEqual, .load(Access(moved, 0)), 0), then: rescaling, otherwise: []))

    try builder.map([("r", rows), ("c", columns)], in: &live) { body, at in
      let place = Access(scores, at[0], at[1])
      let shifted = try body.apply(.subtract, body.load(place, element), body.load(Access(blockMaximum, at[0]), element))
      let weight = try body.apply(.exp2, shifted)
      body.store(weight, place)
      body.accumulate(.add, weight, Access(sum, at[0]))
    }
    let (valueRows, vr) = builder.dimension("r", rows)
    let (valueColumns, e) = builder.dimension("e", .constant(valueWidth))
    let (keyDimension, j) = builder.dimension("j", columns)
    var storeValue = Body(parameters: [ScalarFunction.Parameter("sum", element)])
    storeValue.store(BodyValue(0), Access(accumulator, vr, e))
    live.append(
      .contract(
        Contraction(
          rows: valueRows, columns: [valueColumns], over: [keyDimension], left: Access(scores, vr, j),
          right: value.access(batchIndices + [firstKey + j0 + j, e]), initial: Access(accumulator, vr, e), accumulator: element,
          epilogue: storeValue)))
    if verdict.canHold == 1 {
      round += live
    } else {
      round.append(.branch(condition: verdict.canHold, then: live, otherwise: []))
    }
    block.append(.loop(Loop(keyStart, from: 0, to: keyCount, step: keyBlock, body: round)))

    try builder.map([("r", rows)], in: &block) { body, at in
      let total = body.load(Access(sum, at[0]), element)
      let isEmpty = try body.apply(.equal, total, body.constant(0, element))
      let inverse = try body.apply(.divide, body.constant(1, element), total)
      body.store(try body.apply(.select, isEmpty, body.constant(0, element), inverse), Access(sum, at[0]))
    }
    let output = output
    try builder.map([("r", rows), ("e", .constant(valueWidth))], in: &block) { body, at in
      let x = try body.apply(
        .multiply, body.load(Access(accumulator, at[0], at[1]), element), body.load(Access(sum, at[0]), element))
      body.store(x, output.access(batchIndices + [firstRow + at[0], at[1]]))
    }
  }

  private func describe(_ verdict: IntervalTwin.Verdict, context: inout LoweringContext) {
    let value = context.graph.result(node)
    switch (verdict.canHold, verdict.canFail) {
    case (1, 1): context.remark(.declined, value, "no tile of the score matrix is skipped: the mask cannot be bounded over a rectangle of indices")
    case (1, _): context.remark(.note, value, "tiles where the mask is true everywhere run without it; none can be proved empty")
    default:
      context.remark(.applied, value, "tiles of \(rowBlock) x \(keyBlock) where the mask is false everywhere are skipped; where it is true everywhere they run without it")
    }
  }

  // MARK: Regions

  /// A region of the op at the given indices: batch indices, query and key.
  private func inline(
    _ function: ScalarFunction, _ leading: [BodyValue], _ indices: [IntegerExpression], in body: inout Body
  ) -> BodyValue {
    let used = Set(function.instructions.flatMap(\.operands) + function.results)
    var arguments = leading
    for (position, index) in zip(leading.count..., indices) {
      // An index that the function does not use stands for nothing.
      let isUsed = used.contains(function.parameter(position))
      arguments.append(isUsed ? body.index(index, function.parameters[position].type) : BodyValue(-1))
    }
    let results = body.inline(function, arguments) { body, table, indices, type in
      let expressions = indices.map { body.expression(of: $0) }
      // An index that is no parameter by itself may be outside: such an element reads as NaN, or 0 for integers.
      let guarded = Set(indices.indices.filter { if case .value = expressions[$0] { true } else { false } })
      let outside = type.isFloat ? Literal(Double.nan) : Literal(0)
      return tables[table].read(expressions, as: type, guarded: guarded, otherwise: guarded.isEmpty ? nil : outside, in: &body)
    }
    return results[0]
  }
}

extension Body {
  /// The whole-number expression that a value is, where it is a plain index; else a reference to the value.
  fileprivate func expression(of value: BodyValue) -> IntegerExpression {
    guard value.index >= parameters.count else { return .value(value) }
    let instruction = instructions[value.index - parameters.count]
    switch instruction.operation {
    case .index(let expression): return expression
    case .constant(let literal) where !literal.isReal: return .constant(Int(literal.integer))
    case .elementwise(Op.convert.opcode) where instruction.type.isInteger:
      let inner = expression(of: instruction.operands[0])
      if case .value = inner { return .value(value) }
      return inner
    default: return .value(value)
    }
  }
}

extension ScalarFunction {
  /// c, where the function gives its first parameter times the constant c.
  fileprivate var scaleOfFirstParameter: Double? {
    let result = results[0]
    if result == parameter(0) { return 1 }
    guard let instruction = instruction(result), case .elementwise(let opcode) = instruction.operation else { return nil }
    let operands = instruction.operands
    switch opcode {
    case Op.multiply.opcode:
      if operands[0] == parameter(0) { return constant(operands[1])?.real }
      if operands[1] == parameter(0) { return constant(operands[0])?.real }
      return nil
    case Op.divide.opcode: return operands[0] == parameter(0) ? constant(operands[1]).map { 1 / $0.real } : nil
    default: return nil
    }
  }
}

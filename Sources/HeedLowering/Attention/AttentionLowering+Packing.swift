import HeedIR

/// The keys as panels, and for ragged batches the table of row blocks.
extension AttentionLowering {
  mutating func batchDomain(_ dimensions: [Int]) -> (domain: [Dimension], indices: [IntegerExpression]) {
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
  func keyIndices(_ panelIndices: [IntegerExpression], _ row: IntegerExpression, _ column: IntegerExpression) -> [IntegerExpression]
  {
    var all = [IntegerExpression](repeating: 0, count: batchRank)
    for (dimension, index) in zip(panelDimensions, panelIndices) { all[dimension] = index }
    return all + [row, column]
  }

  mutating func packPanel(
    _ panelIndices: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, in block: inout [Statement]
  ) {
    let (key, panels, element, self_) = (key, panels, element, self)
    builder.map([("d", IntegerExpression(depth)), ("c", .constant(panelWidth))], in: &block) { body, at in
      let x = body.load(
        key.access(self_.keyIndices(panelIndices, firstKey + at[1], at[0]), guarded: [self_.batchRank]), element,
        otherwise: Literal(0.0))
      body.store(x, Access(panels, (panelIndices + [panel, at[0], at[1]]).map { Access.Index($0) }))
    }
  }

  mutating func packKeys() {
    let (domain, indices) = batchDomain(panelDimensions)
    let (panelDomain, panel) = builder.dimension("p", IntegerExpression(keys.dividedRoundingUp(by: panelWidth)))
    var block: [Statement] = []
    packPanel(indices, panel: panel, firstKey: panel * .constant(panelWidth), in: &block)
    builder.phase("pack", domain + [panelDomain], block)
  }

  func offset(_ segment: IntegerExpression) -> IntegerExpression {
    guard case .view(let view) = tables[offsetsTable!] else { preconditionFailure("offsets are read from memory") }
    let total = IntegerExpression(queries)
    return .smaller(.apply(.maximum, .load(view.access([segment])), 0), total)
  }

  /// `let`s for the first row of a segment and the number of its rows.
  mutating func segmentBounds(_ segment: IntegerExpression, in block: inout [Statement]) -> (
    start: IntegerExpression, length: IntegerExpression
  ) {
    let start = builder.define("start", offset(segment), in: &block)
    let length = builder.define("length", .apply(.maximum, offset(segment + 1) - start, 0), in: &block)
    return (start, length)
  }

  mutating func numberBlocks(_ table: Place) {
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

  mutating func packSegmentKeys() {
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
}

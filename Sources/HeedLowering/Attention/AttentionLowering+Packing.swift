import HeedIR

/// Where packed keys and values lie.
struct PackedKeys {
  /// [batch..., panels, depth, width], pairs along the depth apart where the products are paired.
  var panels: Place
  /// [batch..., keys, width], or pairs of keys; nil where values are read as they are.
  var values: Place?
  /// The indices of the leading dimensions.
  var batch: [IntegerExpression] = []

  func at(_ batch: [IntegerExpression]) -> PackedKeys {
    var packed = self
    packed.batch = batch
    return packed
  }
}

/// The keys as panels, the values as pairs, and for ragged batches the table of row blocks.
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

  /// Packs the keys of a panel, and its values where they are packed.
  mutating func packPanel(
    _ panelIndices: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into packed: PackedKeys,
    in block: inout [Statement]
  ) {
    if key.isPaged { packPagedKeys(panelIndices, panel: panel, firstKey: firstKey, into: packed.panels, in: &block) }
    if value.isPaged, let values = packed.values {
      packPagedValues(panelIndices, panel: panel, firstKey: firstKey, into: values, in: &block)
    }
    let lowering = self
    let (width, isPaired) = (panelWidth, types.isPaired)
    let unit: [(Name, IntegerExpression)] = isPaired ? [("u", 2)] : []
    /// Stores the element of `view` at a key and a column into its place among `units` along the contracted dimension.
    func copy(
      _ view: BoundRows, _ target: Access, key: IntegerExpression, column: IntegerExpression, guarded: Set<Int>,
      in body: inout Body
    ) {
      let access = view.access(lowering.keyIndices(panelIndices, firstKey + key, column), guarded: guarded)
      let element = isPaired ? view.element : lowering.types.factor
      body.store(body.load(access, element, otherwise: Literal(0.0)), target)
    }
    func access(_ place: Place, _ indices: [IntegerExpression]) -> Access {
      Access(place, (packed.batch + indices).map { Access.Index($0) })
    }
    func member(_ index: IntegerExpression, _ unit: IntegerExpression?) -> IntegerExpression {
      unit.map { index * 2 + $0 } ?? index
    }

    let isOdd = isPaired && depth.constant.map { $0 % 2 != 0 } ?? true
    let units = types.isPaired ? depth.dividedRoundingUp(by: 2) : depth
    if !key.isPaged {
      builder.map([("d", IntegerExpression(units)), ("c", .constant(width))] + unit, in: &block) { body, at in
        let rest = Array(at.dropFirst(2))
        copy(
          lowering.key, access(packed.panels, [panel] + at), key: at[1], column: member(at[0], rest.first),
          guarded: isOdd ? [lowering.batchRank, lowering.batchRank + 1] : [lowering.batchRank], in: &body)
      }
    }
    guard let values = packed.values, !value.isPaged else { return }
    let rows = isPaired ? width / 2 : width
    builder.map([("j", .constant(rows)), ("e", IntegerExpression(valueWidth))] + unit, in: &block) { body, at in
      let rest = Array(at.dropFirst(2))
      copy(
        lowering.value, access(values, [panel * .constant(rows) + at[0], at[1]] + rest), key: member(at[0], rest.first),
        column: at[1], guarded: [lowering.batchRank], in: &body)
    }
  }

  mutating func pack(_ packed: PackedKeys) {
    let (domain, indices) = batchDomain(panelDimensions)
    let (panelDomain, panel) = builder.dimension(
      "p", IntegerExpression(keys.dividedRoundingUp(by: panelWidth)) * (1 - hasFewRows))
    var block: [Statement] = []
    packPanel(
      indices, panel: panel, firstKey: panel * .constant(panelWidth), into: packed.at(indices), in: &block)
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

  mutating func packSegments(_ packed: PackedKeys) {
    let (domain, indices) = batchDomain(panelDimensions)
    let (segments, segment) = builder.dimension("s", IntegerExpression(segmentCount))
    var block: [Statement] = []
    let (start, length) = segmentBounds(segment, in: &block)
    let first = builder.define("first", start / .constant(panelWidth) + segment, in: &block)
    let step = builder.variable("p")
    var round: [Statement] = []
    packPanel(
      indices, panel: first + .variable(step), firstKey: start + .variable(step) * .constant(panelWidth), into: packed.at(indices),
      in: &round)
    block.append(.loop(Loop(step, from: 0, to: length.ceilingDivided(by: panelWidth), step: 1, body: round)))
    builder.phase("pack", domain + [segments], block)
  }
}

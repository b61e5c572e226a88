import HeedIR

/// Keys and values in pages: packed page by page.
extension AttentionLowering {
  /// A panel of keys that lie in pages, the columns beyond the last key 0.
  mutating func packPagedKeys(
    _ panelIndices: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into panels: Place,
    in block: inout [Statement]
  ) {
    let (types, width) = (types, IntegerExpression.constant(panelWidth))
    let units = IntegerExpression(types.isPaired ? depth.dividedRoundingUp(by: 2) : depth)
    let unit: [(Name, IntegerExpression)] = types.isPaired ? [("u", 2)] : []
    let isOdd = types.isPaired && depth.constant.map { $0 % 2 != 0 } ?? true
    func target(_ at: [IntegerExpression]) -> Access { Access(panels, (panelIndices + [panel] + at).map { Access.Index($0) }) }
    let count = builder.define("keys", .blockSize(keys, block: firstKey, size: panelWidth), in: &block)
    builder.forEachRun(of: key, batchIndices(panelIndices), from: firstKey, count: count, alignment: panelWidth, in: &block) {
      builder, run, block in
      builder.map([("d", units), ("c", run.count)] + unit, in: &block) { body, at in
        let component = types.isPaired ? at[0] * 2 + at[2] : at[0]
        let value = body.load(
          run.access(at[1], component, isColumnGuarded: isOdd), types.factor, otherwise: isOdd ? Literal(0.0) : nil)
        body.store(value, target([at[0], run.first + at[1]] + at.dropFirst(2)))
      }
    }
    guard count != width else { return }
    builder.map([("d", units), ("c", width - count)] + unit, in: &block) { body, at in
      body.store(body.constant(0, types.factor), target([at[0], count + at[1]] + at.dropFirst(2)))
    }
  }

  /// The values of a panel's keys, which lie in pages; the rows beyond the last key 0.
  mutating func packPagedValues(
    _ panelIndices: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into place: Place,
    in block: inout [Statement]
  ) {
    let (types, width) = (types, IntegerExpression.constant(panelWidth))
    let columns = IntegerExpression(valueWidth)
    /// The place of a row of the panel: where products are of pairs, two rows lie side by side.
    func target(_ row: IntegerExpression, _ column: IntegerExpression) -> Access {
      let indices =
        types.isPaired
        ? [panel * .constant(panelWidth / 2) + row / 2, column, row % 2] : [panel * width + row, column]
      return Access(place, (panelIndices + indices).map { Access.Index($0) })
    }
    let count = builder.define("rows", .blockSize(keys, block: firstKey, size: panelWidth), in: &block)
    builder.forEachRun(of: value, batchIndices(panelIndices), from: firstKey, count: count, alignment: panelWidth, in: &block) {
      builder, run, block in
      builder.map([("j", run.count), ("e", columns)], in: &block) { body, at in
        body.store(body.load(run.access(at[0], at[1]), types.factor), target(run.first + at[0], at[1]))
      }
    }
    guard count != width else { return }
    builder.map([("j", width - count), ("e", columns)], in: &block) { body, at in
      body.store(body.constant(0, types.factor), target(count + at[0], at[1]))
    }
  }

  /// Indices of all batch dimensions from those of `panelDimensions`; the others stand for nothing.
  private func batchIndices(_ panelIndices: [IntegerExpression]) -> [IntegerExpression] {
    keyIndices(panelIndices, 0, 0).dropLast(2)
  }
}

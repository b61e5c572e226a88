import HeedIR
import HeedSchedule

/// Keys and values in pages: packed page by page.
extension KeyPacking {
  /// A panel of keys that lie in pages, the columns beyond the last key 0.
  func packPagedKeys(
    _ batch: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into packed: PackedKeys
  ) {
    let (builder, types, schedule) = (kernel.builder, kernel.types, kernel.schedule)
    let width = IntegerExpression.constant(schedule.panelWidth)
    func target(_ at: [IntegerExpression]) -> Access { access(packed.panels, packed, [panel] + at) }
    let count = builder.define("keys", .blockSize(kernel.shape.keys, block: firstKey, size: schedule.panelWidth))
    builder.forEachRun(of: kernel.key, batch, from: firstKey, count: count, alignment: schedule.panelWidth) { run in
      builder.map([("d", depthUnits), ("c", run.count)] + unit) { body, at in
        let component = types.isPaired ? at[0] * 2 + at[2] : at[0]
        let value = body.load(
          run.access(at[1], component, isColumnGuarded: isDepthOdd), types.factor, otherwise: isDepthOdd ? Literal(0.0) : nil)
        body.store(value, target([at[0], run.first + at[1]] + at.dropFirst(2)))
      }
    }
    guard count != width else { return }
    builder.map([("d", depthUnits), ("c", width - count)] + unit) { body, at in
      body.store(body.constant(0, types.factor), target([at[0], count + at[1]] + at.dropFirst(2)))
    }
  }

  /// The values of a panel's keys, which lie in pages; the rows beyond the last key 0.
  func packPagedValues(
    _ value: BoundRows, _ batch: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into packed: PackedKeys
  ) {
    let (builder, types, panelWidth) = (kernel.builder, kernel.types, kernel.schedule.panelWidth)
    let width = IntegerExpression.constant(panelWidth)
    let columns = IntegerExpression.constant(kernel.shape.valueWidth)
    /// The place of a row of the panel: where products are of pairs, two rows lie side by side.
    func target(_ row: IntegerExpression, _ column: IntegerExpression) -> Access {
      let indices =
        types.isPaired
        ? [panel * .constant(panelWidth / 2) + row / 2, column, row % 2] : [panel * width + row, column]
      return access(packed.values!, packed, indices)
    }
    let count = builder.define("rows", .blockSize(kernel.shape.keys, block: firstKey, size: panelWidth))
    builder.forEachRun(of: value, batch, from: firstKey, count: count, alignment: panelWidth) { run in
      builder.map([("j", run.count), ("e", columns)]) { body, at in
        body.store(body.load(run.access(at[0], at[1]), types.factor), target(run.first + at[0], at[1]))
      }
    }
    guard count != width else { return }
    builder.map([("j", width - count), ("e", columns)]) { body, at in
      body.store(body.constant(0, types.factor), target(count + at[0], at[1]))
    }
  }
}

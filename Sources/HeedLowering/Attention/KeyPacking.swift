import HeedIR
import HeedSchedule

/// Where packed keys and values lie.
struct PackedKeys {
  /// [batch..., panels, depth, width], pairs along the depth apart where the products are paired.
  var panels: Place
  /// [batch..., keys, width], or pairs of keys; nil where values are read as they are stored.
  var values: Place?
  /// The indices of the leading dimensions.
  var batch: [IntegerExpression] = []

  func at(_ batch: [IntegerExpression]) -> PackedKeys {
    var packed = self
    packed.batch = batch
    return packed
  }
}

/// Packs keys into panels, so that products read them in order, and values where products cannot read them as they are stored.
struct KeyPacking {
  let kernel: ScoreKernel
  /// The values; nil where none are packed.
  let value: BoundRows?

  private var builder: KernelBuilder { kernel.builder }
  private var shape: AttentionShape { kernel.shape }
  private var types: AttentionTypes { kernel.types }
  private var width: Int { kernel.schedule.panelWidth }

  init(_ kernel: ScoreKernel, value: BoundRows?) {
    (self.kernel, self.value) = (kernel, kernel.schedule.packsValues ? value : nil)
  }

  // MARK: Where they lie

  /// Workspaces for all keys and values of a call.
  func workspaces() -> PackedKeys {
    // A segment's panels begin at floor(offset / width) + segment: one spare panel for each segment keeps them apart.
    let count =
      kernel.offsets == nil
      ? shape.keys.dividedRoundingUp(by: width) : shape.keys.dividedRoundingDown(by: width) + kernel.segmentCount
    let leading = shape.panelDimensions.map { shape.batch[$0] }
    func workspace(_ name: Name, _ inner: [Extent]) -> Place {
      builder.workspace(name, TensorType(types.factor, Shape(leading + inner)))
    }
    return PackedKeys(
      panels: workspace("panels", [count] + types.unitShape(Extent(shape.depth), by: Extent(width))),
      values: value == nil
        ? nil : workspace("values", types.unitShape(count * Extent(width), by: Extent(shape.valueWidth))))
  }

  /// Scratch tiles for `panels` panels.
  func tiles(panels: Int) -> PackedKeys {
    PackedKeys(
      panels: builder.tile("panels", types.factor, [panels] + types.unitSizes(shape.depth, by: width)),
      values: value == nil
        ? nil : builder.tile("values", types.factor, types.unitSizes(panels * width, by: max(shape.valueWidth, 1))))
  }

  // MARK: Phases

  /// The phase that packs all keys, panel by panel.
  /// - Parameter condition: where it is needed; nil for always.
  func pack(into packed: PackedKeys, when condition: IntegerExpression? = nil) {
    let (domain, indices) = kernel.batchDomain(shape.panelDimensions)
    let (panels, panel) = builder.dimension("p", IntegerExpression(shape.keys.dividedRoundingUp(by: width)))
    builder.phase("pack", domain + [panels], when: condition) {
      packPanel(indices, panel: panel, firstKey: panel * .constant(width), into: packed.at(indices))
    }
  }

  /// The phase that packs the keys of ragged batches, segment by segment.
  func packSegments(into packed: PackedKeys) {
    let (domain, indices) = kernel.batchDomain(shape.panelDimensions)
    let (segments, segment) = builder.dimension("s", IntegerExpression(kernel.segmentCount))
    builder.phase("pack", domain + [segments]) {
      let span = kernel.segmentSpan(segment)
      let first = builder.define("first", span.first / .constant(width) + segment)
      builder.loop("p", to: span.count.ceilingDivided(by: width)) { p in
        packPanel(indices, panel: first + p, firstKey: span.first + p * .constant(width), into: packed.at(indices))
      }
    }
  }

  // MARK: A panel

  /// Packs the keys of a panel, and its values where they are packed.
  func packPanel(
    _ panelIndices: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into packed: PackedKeys
  ) {
    let batch = shape.batchIndices(ofPanels: panelIndices)
    if kernel.key.isPaged { packPagedKeys(batch, panel: panel, firstKey: firstKey, into: packed) }
    if let value, value.isPaged { packPagedValues(value, batch, panel: panel, firstKey: firstKey, into: packed) }
    if !kernel.key.isPaged { packKeys(batch, panel: panel, firstKey: firstKey, into: packed) }
    if let value, !value.isPaged { packValues(value, batch, panel: panel, firstKey: firstKey, into: packed) }
  }

  /// The two members of a pair, where products are paired.
  var unit: [(Name, IntegerExpression)] { types.isPaired ? [("u", 2)] : [] }
  /// The units of the depth, and whether the last pair lacks a component.
  var depthUnits: IntegerExpression { .constant(types.isPaired ? (shape.depth + 1) / 2 : shape.depth) }
  var isDepthOdd: Bool { types.isPaired && shape.depth % 2 != 0 }

  /// An element of packed keys or values.
  func access(_ place: Place, _ packed: PackedKeys, _ indices: [IntegerExpression]) -> Access {
    Access(place, (packed.batch + indices).map { Access.Index($0) })
  }

  private func packKeys(
    _ batch: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into packed: PackedKeys
  ) {
    let rank = shape.batchRank
    builder.map([("d", depthUnits), ("c", .constant(width))] + unit) { body, at in
      let component = types.isPaired ? at[0] * 2 + at[2] : at[0]
      copy(
        kernel.key, batch + [firstKey + at[1], component], guarded: isDepthOdd ? [rank, rank + 1] : [rank],
        to: access(packed.panels, packed, [panel] + at), in: &body)
    }
  }

  private func packValues(
    _ value: BoundRows, _ batch: [IntegerExpression], panel: IntegerExpression, firstKey: IntegerExpression, into packed: PackedKeys
  ) {
    let rows = types.isPaired ? width / 2 : width
    builder.map([("j", .constant(rows)), ("e", .constant(shape.valueWidth))] + unit) { body, at in
      let row = types.isPaired ? at[0] * 2 + at[2] : at[0]
      copy(
        value, batch + [firstKey + row, at[1]], guarded: [shape.batchRank],
        to: access(packed.values!, packed, [panel * .constant(rows) + at[0], at[1]] + at.dropFirst(2)), in: &body)
    }
  }

  private func copy(
    _ view: BoundRows, _ indices: [IntegerExpression], guarded: Set<Int>, to target: Access, in body: inout BodyBuilder
  ) {
    let element = types.isPaired ? view.element : types.factor
    body.store(body.load(view.access(indices, guarded: guarded), element, otherwise: Literal(0.0)), target)
  }
}

import HeedIR

/// What packed panels hold, and how: equal ones are packed once.
struct PanelContents: Hashable {
  /// The packed operand; its dimensions in the order of the panels.
  let source: StridedView
  /// The dimensions of the panels before and after the one that counts panels, each a number of dimensions of the operand.
  fileprivate let outer: [Int]
  fileprivate let over: [Int]
  fileprivate let type: TensorType
  fileprivate let isPaired: Bool
}

extension LoweringContext {
  /// The right operand of a contraction as its kernel reads it: packed, or [batch, outer columns, column, depth] as it is.
  mutating func rightOperand(_ plan: ContractionPlan) throws -> StridedView {
    let groups = plan.groups
    guard plan.isPacked else { return plan.right.arranged(groups.batch + groups.columns + [groups.column] + groups.over) }
    return try packedPanels(plan)
  }

  /// The right operand of a contraction in panels: [batch, outer columns, panels, depth, width], the columns beyond the last one 0; of
  /// a paired one [..., panels, half the depth, width, 2].
  private mutating func packedPanels(_ plan: ContractionPlan) throws -> StridedView {
    let groups = plan.groups
    let (outer, over, width) = (groups.batch + groups.columns, groups.over, plan.width)
    var inner = over.map(groups.extent) + [Extent(width)]
    if plan.isPaired {
      inner = over.dropLast().map(groups.extent) + [groups.extent(over.last!).dividedExactly(by: 2)!, Extent(width), 2]
    }
    let shape = outer.map(groups.extent) + [plan.panelCount] + inner
    let type = TensorType(plan.packedElement, Shape(shape))
    // Groups of the packed operand need not be contiguous in it: index letter by letter.
    let order = (outer + over + [groups.column]).flatMap { $0 }
    let operand = plan.right.view.transposed(plan.right.positions(order))
    let contents = PanelContents(
      source: operand, outer: outer.map(\.count), over: over.map(\.count), type: type, isPaired: plan.isPaired)
    if let known = panels[contents] { return known }
    let packed = Self.rowMajor(addBuffer("\(program.buffers[operand.buffer].name).panels", type, .slot(0)), type)
    panels[contents] = packed
    let builder = KernelBuilder("pack_panels")
    let source = builder.input(operand)
    let target = builder.output(packed, name: "panels")
    let (outerDimensions, outerIndices) = builder.domain(groups.named(outer))
    let (panelDimension, panel) = builder.dimension("p", IntegerExpression(plan.panelCount))
    let guarded: Set<Int> =
      plan.hasWholePanels || groups.column.isEmpty ? [] : [order.count - groups.column.count]
    let computed = plan.packedElement.computed
    let dimensions = inner.indices.map {
      (Name($0 < over.count ? "k\($0)" : $0 == over.count ? "c" : "u"), IntegerExpression(inner[$0]))
    }
    builder.phase("pack", outerDimensions + [panelDimension]) {
      builder.map(dimensions) { body, indices in
        var depth = Array(indices.prefix(over.count))
        let within = indices[over.count]
        if plan.isPaired { depth[over.count - 1] = depth[over.count - 1] * 2 + indices.last! }
        let at =
          zip(outer, outerIndices).flatMap { groups.split($0, $1) } + zip(over, depth).flatMap { groups.split($0, $1) }
          + groups.split(groups.column, panel * .constant(width) + within)
        var value = body.load(source.access(at, guarded: guarded), computed)
        // A single column: the rest of the panel is 0.
        if groups.column.isEmpty { value = body.value(value, where: .apply(.equal, within, 0), computed) }
        body.store(value, target.access(outerIndices + [panel] + indices))
      }
    }
    let bytes = Extent(plan.right.view.element.byteCount + type.element.byteCount)
    try emit(builder, cost: Cost(flops: 0, bytes: Shape(shape).count * bytes))
    return packed
  }
}

extension BodyBuilder {
  /// The value where `condition` is not 0, else 0.
  fileprivate mutating func value(_ value: BodyValue, where condition: IntegerExpression, _ element: ElementType) -> BodyValue {
    let isSet = apply(.notEqual, index(condition, .i32), constant(0, .i32))
    return apply(.select, isSet, value, constant(0, element))
  }
}

import HeedIR

extension LoweringContext {
  /// The right operand of a contraction as its kernel reads it: packed, or [batch, outer columns, column, depth] as it is.
  mutating func rightOperand(_ plan: ContractionPlan) throws -> StridedView {
    guard plan.isPacked else { return plan.right.arranged(plan.batch + plan.columns + [plan.column] + plan.over) }
    return try packedPanels(plan)
  }

  /// The right operand of a contraction in panels: [batch, outer columns, panels, depth, width], the columns beyond the last one 0; of
  /// a paired one [..., panels, half the depth, width, 2].
  private mutating func packedPanels(_ plan: ContractionPlan) throws -> StridedView {
    let (outer, over, width) = (plan.batch + plan.columns, plan.over, plan.width)
    var inner = over.map(plan.extent) + [Extent(width)]
    if plan.isPaired {
      inner = over.dropLast().map(plan.extent) + [plan.extent(over.last!).dividedExactly(by: 2)!, Extent(width), 2]
    }
    let shape = outer.map(plan.extent) + [plan.panelCount] + inner
    let type = TensorType(plan.packedElement, Shape(shape))
    let packed = Self.rowMajor(addBuffer("\(program.buffers[plan.right.view.buffer].name).panels", type, .slot(0)), type)

    // Groups of the packed operand need not be contiguous in it: index letter by letter.
    let order = (outer + over + [plan.column]).flatMap { $0 }
    let builder = KernelBuilder("pack_panels")
    let source = builder.input(plan.right.view.transposed(plan.right.positions(order)))
    let target = builder.output(packed, name: "panels")
    var domain: [Dimension] = []
    var outerIndices: [IntegerExpression] = []
    for group in outer {
      let (dimension, index) = builder.dimension(Name(String(group)), IntegerExpression(plan.extent(group)))
      domain.append(dimension)
      outerIndices.append(index)
    }
    let (panelDimension, panel) = builder.dimension("p", IntegerExpression(plan.panelCount))
    domain.append(panelDimension)
    var block: [Statement] = []
    let guarded: Set<Int> =
      plan.hasWholePanels || plan.column.isEmpty ? [] : [order.count - plan.column.count]
    let computed = plan.packedElement.computed
    let dimensions = inner.indices.map {
      (Name($0 < over.count ? "k\($0)" : $0 == over.count ? "c" : "u"), IntegerExpression(inner[$0]))
    }
    builder.map(dimensions, in: &block) { body, indices in
      var depth = Array(indices.prefix(over.count))
      let within = indices[over.count]
      if plan.isPaired { depth[over.count - 1] = depth[over.count - 1] * 2 + indices.last! }
      let at =
        zip(outer, outerIndices).flatMap { plan.split($0, $1) } + zip(over, depth).flatMap { plan.split($0, $1) }
        + plan.split(plan.column, panel * .constant(width) + within)
      var value = body.load(source.access(at, guarded: guarded), computed)
      // A single column: the rest of the panel is 0.
      if plan.column.isEmpty { value = body.value(value, where: .apply(.equal, within, 0), computed) }
      body.store(value, target.access(outerIndices + [panel] + indices))
    }
    builder.phase("pack", domain, block)
    let bytes = Extent(plan.right.view.element.byteCount + type.element.byteCount)
    try emit(builder, cost: Cost(flops: 0, bytes: Shape(shape).count * bytes))
    return packed
  }
}

extension ContractionPlan {
  /// The indices of a group's letters from the index of the group.
  fileprivate func split(_ group: [Character], _ index: IntegerExpression) -> [IntegerExpression] {
    var rest = index
    var indices: [IntegerExpression] = []
    for (position, letter) in group.enumerated().reversed() {
      indices.insert(position == 0 ? rest : rest % IntegerExpression(extent(of: letter)), at: 0)
      rest = position == 0 ? rest : rest / IntegerExpression(extent(of: letter))
    }
    return indices
  }
}

extension Body {
  /// The value where `condition` is not 0, else 0.
  fileprivate mutating func value(_ value: BodyValue, where condition: IntegerExpression, _ element: ElementType) -> BodyValue {
    let zero = append(Instruction(.constant(Literal(0)), type: .i32))
    let isSet = append(Instruction(.elementwise(.notEqual), operands: [index(condition, .i32), zero], type: .bool))
    let nothing = constant(0, element)
    return append(Instruction(.elementwise(.select), operands: [isSet, value, nothing], type: element))
  }
}

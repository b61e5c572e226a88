import HeedIR

/// Ops whose values need no memory of their own: kernels that use them compute or address them.
extension LoweringRule {
  /// A number becomes a literal in the kernels that use it; a table becomes a buffer of the program.
  static let constant = LoweringRule { context, node in
    let value = context.graph.result(node)
    let type = context.graph.type(value)
    let literals = context.graph.attributes(node).required(.constantValue)
    if let first = literals.first, literals.allSatisfy({ $0 == first }) {
      context.setSource(value, .literal(first.converted(to: type.element)!))
      return
    }
    let converted = LiteralList(literals.map { $0.converted(to: type.element)! })
    let buffer = context.addBuffer(context.graph.name(value), type, .constant(converted), isLoadTime: true)
    context.setSource(value, .view(LoweringContext.rowMajor(buffer, type)))
  }

  static let iota = LoweringRule { context, node in
    context.setSource(context.graph.result(node), .iota(dimension: context.graph.attributes(node).required(.dim)))
  }

  static let extent = LoweringRule { context, node in
    context.setSource(context.graph.result(node), .extent(context.graph.attributes(node).required(.extentValue)[0]))
  }

  static let broadcast = LoweringRule { context, node in
    let value = context.graph.result(node)
    let operand = context.graph.operands(node).first!
    let dims = context.graph.attributes(node).required(.dims)
    let shape = context.graph.type(value).shape.extents
    // An iota along a dimension of extent 1 counts nothing.
    if case .iota(let dimension) = context.source(operand), context.graph.type(operand).shape[dimension] == 1 {
      context.setSource(value, .literal(Literal(0)))
    } else {
      context.setSource(value, context.source(operand).broadcast(dims: dims, to: shape))
    }
  }

  static let transpose = LoweringRule { context, node in
    let permutation = context.graph.attributes(node).required(.permutation)
    context.setSource(context.graph.result(node), context.source(context.graph.operands(node).first!).transposed(permutation))
  }

  static let slice = LoweringRule { context, node in
    let value = context.graph.result(node)
    let attributes = context.graph.attributes(node)
    let start = attributes.required(.start)
    let operand = context.graph.operands(node).first!
    let step = attributes[.step] ?? start.map { _ in 1 }
    for (extent, (from, to)) in zip(context.graph.type(operand).shape.extents, zip(start, attributes.required(.stop))) {
      context.addCheck(.range(start: from, stop: to, extent: extent))
    }
    switch context.source(operand) {
    case .literal, .extent: context.setSource(value, context.source(operand))
    case .view, .iota:
      let view = try context.view(operand)
      context.setSource(value, .view(view.sliced(start: start, step: step, shape: context.graph.type(value).shape.extents)))
    }
  }

  /// A view where strides can express it, else a copy.
  static let reshape = LoweringRule { context, node in
    let value = context.graph.result(node)
    let type = context.graph.type(value)
    let operand = context.graph.operands(node).first!
    if let source = context.source(operand).reshaped(to: type.shape.extents) {
      context.setSource(value, source)
      return
    }
    context.remark(.note, value, "reshape copies: no strides of \(context.graph.type(operand)) express \(type)")
    let operandType = context.graph.type(operand)
    let packed = LoweringContext.rowMajor(context.addBuffer(.none, operandType, .slot(0)), operandType)
    try context.emitElementwise(
      "copy", shape: operandType.shape.extents, inputs: [(context.source(operand), operandType.element)], outputs: [packed]
    ) { _, values in values }
    guard let view = packed.reshaped(to: type.shape.extents) else {
      // Equal counts by a stated fact alone: the same buffer under the other shape.
      context.setSource(value, .view(LoweringContext.rowMajor(packed.buffer, type)))
      return
    }
    context.setSource(value, .view(view))
  }
}

import HeedIR

extension LoweringRule {
  /// One elementwise op.
  static let elementwise = LoweringRule { context, node in
    let op = context.graph.op(node)
    let types = context.graph.operands(node).map { context.graph.type($0).element }
    let result = context.graph.type(context.graph.result(node))
    try context.emitElementwise(node) { body, values in [body.compute(op, values, types, to: result.element)] }
  }

  /// A conversion: none where the operand was rounded as it was stored, or where a wider float type is what loads widen to.
  static let conversion = LoweringRule { context, node in
    let (value, operand) = (context.graph.result(node), context.graph.operands(node).first!)
    let (source, target) = (context.graph.type(operand), context.graph.type(value))
    if case .view(let view) = context.source(operand), source.shape == target.shape {
      let isRounded = view.element == target.element && source.element.isNarrowed(by: target.element)
      if isRounded || target.element.isNarrowed(by: source.element) {
        context.setSource(value, .view(view))
        return
      }
    }
    try elementwise(&context, node)
  }

  /// A fused chain of elementwise ops.
  static let mappedRegion = LoweringRule { context, node in
    let region = context.graph.regions(node).first!
    try context.emitElementwise(node) { body, values in body.inline(region, values, narrowFloats: .rounded) }
  }

  /// The operands one after the other along a dimension: a copy for each that was not computed in its place.
  static let concatenate = LoweringRule { context, node in
    let operands = Array(context.graph.operands(node))
    let output = context.allocateResult(node)
    context.keepAtCall(output, unlessAllKnown: operands)
    for (operand, part) in zip(operands, context.graph.parts(of: output, concatenatedBy: node)) {
      if case .view(let view) = context.source(operand), view.isSameMemory(as: part) { continue }
      let type = context.graph.type(operand)
      try context.emitElementwise(
        "copy", shape: type.shape.extents, inputs: [(context.source(operand), type.element)], outputs: [part]
      ) { _, values in values }
    }
  }

  /// The operand with a border: each element is read where it is inside, else the border's number.
  static let pad = LoweringRule { context, node in
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(context.graph.result(node))
    let attributes = context.graph.attributes(node)
    let low = attributes.required(.low).map(IntegerExpression.init)
    let border = attributes.required(.padValue)
    for padding in attributes.required(.low) + attributes.required(.high) {
      context.addCheck(.range(start: 0, stop: padding, extent: padding))
    }
    let view = try context.view(operand)
    let output = context.allocateResult(node)
    let builder = KernelBuilder(Op.pad)
    let source = builder.input(view, guarding: Set(view.shape.indices))
    let target = builder.output(output)
    builder.elementwisePhase("run", type.shape.extents) { body, indices in
      let inner = zip(indices, low).map { $0 - $1 }
      let value = BoundSource.view(source).read(
        inner, as: type.element, guarded: Set(inner.indices), otherwise: border.converted(to: type.element), in: &body)
      body.store(value, target.access(indices))
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

extension LoweringContext {
  /// A kernel for a node whose results are computed element by element from its operands.
  mutating func emitElementwise(_ node: NodeID, _ region: (_ body: inout BodyBuilder, _ values: [BodyValue]) throws -> [BodyValue])
    throws
  {
    let types = graph.results(node).map(graph.type)
    // A scalar operand is the same number for every element, for any source.
    let inputs = graph.operands(node).map { operand -> (Source, ElementType) in
      let type = graph.type(operand)
      let source =
        type.rank == 0 && types[0].rank > 0
        ? self.source(operand).broadcast(dims: [], to: types[0].shape.extents) : self.source(operand)
      return (source, type.element)
    }
    let outputs = graph.results(node).map { allocateResult($0) }
    try emitElementwise(
      Name(graph.op(node).mnemonic), shape: types[0].shape.extents, inputs: inputs, outputs: outputs, cost: cost(node), region)
  }
}

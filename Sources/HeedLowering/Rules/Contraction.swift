import HeedIR

extension LoweringRule {
  /// A contraction, alone or with an epilogue on its accumulators.
  ///
  /// The right operand is packed into panels as wide as the register tile (at load, where it is a parameter), so that the inner
  /// loop reads it in order. Blocks of rows and panels run in parallel; each accumulates over the whole depth at once.
  static let contraction = LoweringRule { context, node in
    try context.requireCompiledTypes(node)
    let graph = context.graph
    let attributes = graph.attributes(node)
    var operands = Array(graph.operands(node))
    var subscripts = try ContractSubscripts(attributes.word("subscripts").text)
    if subscripts.rightFree.isEmpty, !subscripts.leftFree.isEmpty {
      // Columns fill vectors: an operand that has none goes to the left.
      operands.swapAt(0, 1)
      subscripts = ContractSubscripts(left: subscripts.right, right: subscripts.left, result: subscripts.result)
    }
    let element = graph.type(operands[0]).element
    var extents: [Character: Extent] = [:]
    for (letters, operand) in zip([subscripts.left, subscripts.right], operands) {
      for (letter, extent) in zip(letters, graph.type(operand).shape.extents) { extents[letter] = extent }
    }
    let left = try context.view(operands[0])
    let right = try context.view(operands[1])
    let output = context.allocateResult(node)
    let extras = operands.dropFirst(2).map { (source: context.source($0), type: graph.type($0)) }
    let full = extras.map { extra -> Source in
      extra.type.rank == 0 ? extra.source.broadcast(dims: [], to: output.shape) : extra.source
    }

    func positions(_ letters: [Character], in all: [Character]) -> [Int] { letters.map { all.firstIndex(of: $0)! } }
    func groups(_ letters: [Character], _ sources: [(Source, [Character])]) -> [[Character]] {
      let selected = sources.map { $0.0.selecting(positions(letters, in: $0.1)) }
      return context.collapsedDimensions(letters.map { extents[$0]! }, sources: selected).map { $0.map { letters[$0] } }
    }
    let resultSources = [(Source.view(output), subscripts.result)] + full.map { ($0, subscripts.result) }
    let batch = subscripts.batch.map { [$0] }
    var rows = groups(subscripts.leftFree, [(.view(left), subscripts.left)] + resultSources)
    var columns = groups(subscripts.rightFree, resultSources)
    let over = groups(subscripts.over, [(.view(left), subscripts.left)])
    let row = rows.popLast() ?? []
    let column = columns.popLast() ?? []
    let outer = batch + rows
    let extent = { (group: [Character]) in group.reduce(Extent(1)) { $0 * extents[$1]! } }
    func arranged(_ view: StridedView, _ letters: [Character], _ order: [[Character]]) -> StridedView {
      view.collapsedKeepingAll(order.map { positions($0, in: letters) }, view.shape)
    }

    // The right operand as panels: [batch, outer columns, panels, depth, width].
    let width = 3 * context.target.lanes(of: element)
    let panels = try context.packedPanels(
      right, subscripts.right, outer: batch + columns, over: over, columns: column, width: width, extents: extents)

    let tile = attributes["tile"] == nil ? [96, 4 * width] : attributes.integers("tile")
    let panelsAtOnce = max(1, tile[1] / width)
    var builder = KernelBuilder(Name(graph.op(node).mnemonic))
    let boundLeft = builder.input(arranged(left, subscripts.left, outer + [row] + over))
    let boundPanels = builder.input(panels)
    let boundExtras = full.map { source -> BoundSource in
      switch source {
      case .view(let view): builder.input(.view(arranged(view, subscripts.result, outer + columns + [row, column])))
      case .iota, .literal, .extent:
        builder.input(
          source.collapsed((outer + columns + [row, column]).map { positions($0, in: subscripts.result) }, output.shape))
      }
    }
    // The columns of the last panel that there are not: their results are not stored.
    let isWhole = extent(column).dividedExactly(by: width) != nil
    let guarded: Set<Int> = isWhole ? [] : [outer.count + columns.count + 1]
    let target = builder.output(arranged(output, subscripts.result, outer + columns + [row, column]), guarding: guarded)

    var domain: [Dimension] = []
    func domainIndices(_ groups: [[Character]]) -> [IntegerExpression] {
      groups.map { group in
        let (dimension, index) = builder.dimension(Name(String(group)), IntegerExpression(extent(group)))
        domain.append(dimension)
        return index
      }
    }
    let batchIndices = domainIndices(batch)
    let rowIndices = domainIndices(rows)
    let columnIndices = domainIndices(columns)
    let panelCount = extent(column).dividedRoundingUp(by: width)
    let (panelBlocks, panelBlock) = builder.dimension("g", IntegerExpression(panelCount.dividedRoundingUp(by: panelsAtOnce)))
    let (rowBlocks, rowBlock) = builder.dimension("t", IntegerExpression(extent(row).dividedRoundingUp(by: tile[0])))
    domain += [panelBlocks, rowBlocks]
    var block: [Statement] = []
    let firstRow = builder.define("first_row", rowBlock * .constant(tile[0]), in: &block)
    let firstPanel = builder.define("first_panel", panelBlock * .constant(panelsAtOnce), in: &block)
    let rowCount = builder.define("rows", .blockSize(extent(row), block: firstRow, size: tile[0]), in: &block)
    let panelsHere = builder.define("panels", .blockSize(panelCount, block: firstPanel, size: panelsAtOnce), in: &block)

    let (rowDimension, r) = builder.dimension("r", rowCount)
    let (panelDimension, p) = builder.dimension("p", panelsHere)
    let (columnDimension, c) = builder.dimension("c", .constant(width))
    let depth = (over.isEmpty ? [[]] : over).enumerated().map {
      builder.dimension(Name("k\($0.offset)"), IntegerExpression(extent($0.element)))
    }
    let overIndices = over.isEmpty ? [] : depth.map(\.1)
    let at = batchIndices + rowIndices + columnIndices + [firstRow + r, (firstPanel + p) * .constant(width) + c]
    var epilogue = Body(parameters: [ScalarFunction.Parameter("sum", element)])
    var results = [BodyValue(0)]
    if let region = graph.regions(node).first {
      let values = zip(boundExtras, extras).map { $0.read(at, as: $1.type.element, guarded: guarded, in: &epilogue) }
      results = try epilogue.inline(region, [BodyValue(0)] + values)
    }
    epilogue.store(results[0], target.access(at, guarded: guarded))
    block.append(
      .contract(
        Contraction(
          rows: rowDimension, columns: [panelDimension, columnDimension], over: depth.map(\.0),
          left: boundLeft.access(batchIndices + rowIndices + [firstRow + r] + overIndices),
          right: boundPanels.access(batchIndices + columnIndices + [firstPanel + p] + overIndices + [c]),
          accumulator: element, epilogue: epilogue)))
    builder.phase("multiply", domain, block)
    try context.emit(builder, cost: context.cost(node))
  }
}

extension LoweringContext {
  /// Packs an operand of a contraction: [outer..., panels, over..., width], the columns beyond the last one 0.
  mutating func packedPanels(
    _ view: StridedView, _ letters: [Character], outer: [[Character]], over: [[Character]], columns: [Character], width: Int,
    extents: [Character: Extent]
  ) throws -> StridedView {
    let extent = { (group: [Character]) in group.reduce(Extent(1)) { $0 * extents[$1]! } }
    func positions(_ letters: [Character], in all: [Character]) -> [Int] { letters.map { all.firstIndex(of: $0)! } }
    let panelCount = extent(columns).dividedRoundingUp(by: width)
    let shape = outer.map(extent) + [panelCount] + over.map(extent) + [Extent(width)]
    let type = TensorType(view.element, Shape(shape))
    let packed = Self.rowMajor(addBuffer("\(program.buffers[view.buffer].name).panels", type, .slot(0)), type)

    // Groups of the packed operand need not be contiguous in it: index letter by letter.
    let order = (outer + over + [columns]).flatMap { $0 }
    var builder = KernelBuilder("pack_panels")
    let source = builder.input(view.transposed(positions(order, in: letters)))
    let target = builder.output(packed, name: "panels")
    var domain: [Dimension] = []
    var outerIndices: [IntegerExpression] = []
    for group in outer {
      let (dimension, index) = builder.dimension(Name(String(group)), IntegerExpression(extent(group)))
      domain.append(dimension)
      outerIndices.append(index)
    }
    let (panelDimension, panel) = builder.dimension("p", IntegerExpression(panelCount))
    domain.append(panelDimension)
    var block: [Statement] = []
    let depth = over.enumerated().map { (Name("k\($0.offset)"), IntegerExpression(extent($0.element))) }
    /// The indices of a group's letters from the index of the group.
    func split(_ group: [Character], _ index: IntegerExpression) -> [IntegerExpression] {
      var rest = index
      var indices: [IntegerExpression] = []
      for (position, letter) in group.enumerated().reversed() {
        indices.insert(position == 0 ? rest : rest % IntegerExpression(extents[letter]!), at: 0)
        rest = position == 0 ? rest : rest / IntegerExpression(extents[letter]!)
      }
      return indices
    }
    let isWhole = extent(columns).dividedExactly(by: width) != nil
    builder.map(depth + [("c", .constant(width))], in: &block) { body, inner in
      let column = panel * .constant(width) + inner.last!
      let at =
        zip(outer, outerIndices).flatMap { split($0, $1) } + zip(over, inner).flatMap { split($0, $1) } + split(columns, column)
      let guarded: Set<Int> = isWhole || columns.isEmpty ? [] : [at.count - columns.count]
      let value: BodyValue
      if columns.isEmpty {
        // A single column: the rest of the panel is 0.
        let loaded = body.load(source.access(at), view.element)
        let isFirst = body.index(IntegerExpression.apply(.equal, inner.last!, 0), .i32)
        value = body.selectNonZero(isFirst, loaded, orZero: view.element)
      } else {
        value = body.load(source.access(at, guarded: guarded), view.element)
      }
      body.store(value, target.access(outerIndices + [panel] + Array(inner.dropLast()) + [inner.last!]))
    }
    builder.phase("pack", domain, block)
    try emit(builder, cost: Cost(flops: 0, bytes: Shape(shape).count * Extent(2 * view.element.byteCount)))
    return packed
  }
}

extension Body {
  /// `condition != 0 ? value : 0`
  fileprivate mutating func selectNonZero(_ condition: BodyValue, _ value: BodyValue, orZero element: ElementType) -> BodyValue {
    let zero = append(Instruction(.constant(Literal(0)), type: .i32))
    let isSet = append(Instruction(.elementwise(Op.notEqual.opcode), operands: [condition, zero], type: .bool))
    let nothing = constant(0, element)
    return append(Instruction(.elementwise(Op.select.opcode), operands: [isSet, value, nothing], type: element))
  }
}

import HeedIR

extension LoweringRule {
  /// Sums, products and extrema over some dimensions.
  ///
  /// Where the dimension that is contiguous in memory is reduced, each row's elements are combined across vector lanes; where it is
  /// kept, whole vectors of results are combined at once.
  static let reduce = LoweringRule { context, node in
    try context.requireCompiledTypes(node)
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let attributes = context.graph.attributes(node)
    let kind = attributes.reduction
    guard type.element == .bool || kind != .and && kind != .or else {
      throw context.unsupported(node, "no kernel combines the bits of numbers yet")
    }
    let reduction = try Body.Reduction(kind: attributes.word("kind"))
    // Bytes and truth values are combined as i32, and wrapped at the end.
    let accumulator: ElementType = type.element.byteCount == 1 ? .i32 : type.element
    let reduced = attributes.integers("dims")
    let kept = (0..<type.rank).filter { !reduced.contains($0) }
    let source = context.source(operand)
    let output = context.allocateResult(node)

    let keptGroups = context.collapsedDimensions(kept.map { type.shape[$0] }, sources: [source.selecting(kept), .view(output)])
    let reducedGroups = context.collapsedDimensions(reduced.map { type.shape[$0] }, sources: [source.selecting(reduced)])
    let groups = keptGroups.map { $0.map { kept[$0] } } + reducedGroups.map { $0.map { reduced[$0] } }
    let rows = keptGroups.isEmpty ? [[]] : groups.prefix(keptGroups.count).map { $0 }
    let over = Array(groups.suffix(reducedGroups.count))
    let extent = { (group: [Int]) in group.reduce(Extent(1)) { $0 * type.shape[$1] } }

    var isRowContiguous = false
    if case .view(let view) = source, let last = rows.last?.last, view.strides[last] == 1 { isRowContiguous = true }
    let blockSize = isRowContiguous ? 256 : 16

    var builder = KernelBuilder("reduce")
    let input = builder.input(source.arranged(rows + over, type.shape.extents))
    let target = builder.output(output.collapsedKeepingAll(keptGroups.isEmpty ? [[]] : keptGroups, output.shape))
    var domain: [Dimension] = []
    var outer: [IntegerExpression] = []
    for group in rows.dropLast() {
      let (dimension, index) = builder.dimension(Name("d\(outer.count)"), IntegerExpression(extent(group)))
      domain.append(dimension)
      outer.append(index)
    }
    let count = extent(rows.last!)
    let (blocks, block) = builder.dimension("t", IntegerExpression(count.dividedRoundingUp(by: blockSize)))
    let start = block * .constant(blockSize)
    let rowCount = IntegerExpression.blockSize(count, block: start, size: blockSize)
    var body: [Statement] = []
    let partial = builder.tile("partial", accumulator, [blockSize], in: &body)
    builder.map([("r", rowCount)], in: &body) { body, indices in
      let identity = body.append(Body.Instruction(.constant(reduction.identity(type.element)), type: accumulator))
      body.store(identity, Access(partial, indices[0]))
    }
    let overDimensions = over.enumerated().map { (Name("k\($0.offset)"), IntegerExpression(extent($0.element))) }
    let rowDimension = [(Name("r"), rowCount)]
    try builder.map(isRowContiguous ? overDimensions + rowDimension : rowDimension + overDimensions, in: &body) { body, indices in
      let row = isRowContiguous ? indices.last! : indices.first!
      let inner = isRowContiguous ? Array(indices.dropLast()) : Array(indices.dropFirst())
      let element = input.read(outer + [start + row] + inner, as: type.element, in: &body)
      let value = accumulator == type.element ? element : try body.apply(.convert, element, type: accumulator)
      body.accumulate(reduction, value, Access(partial, row))
    }
    try builder.map([("r", rowCount)], in: &body) { body, indices in
      let sum = body.load(Access(partial, indices[0]), accumulator)
      let result = accumulator == type.element ? sum : try body.apply(.convert, sum, type: type.element)
      body.store(result, target.access(outer + [start + indices[0]]))
    }
    builder.phase("run", domain + [blocks], body)
    try context.emit(builder, cost: context.cost(node))
  }

  /// Running sums, products or extrema along a dimension: in order along it, vectorised and parallel over the others.
  static let scan = LoweringRule { context, node in
    try context.requireCompiledTypes(node)
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let attributes = context.graph.attributes(node)
    let reduction = attributes.reduction
    let (isExclusive, isReverse) = (attributes.flag("exclusive"), attributes.flag("reverse"))
    let along = attributes.integer("dim")
    let others = (0..<type.rank).filter { $0 != along }
    let source = context.source(operand)
    let output = context.allocateResult(node)
    let groups = context.collapsedDimensions(
      others.map { type.shape[$0] }, sources: [source.selecting(others), .view(output.transposed(others))]
    ).map { $0.map { others[$0] } }
    let rows = groups.isEmpty ? [[]] : groups
    let arranged = rows + [[along]]
    let blockSize = 256

    var builder = KernelBuilder("scan")
    let input = builder.input(source.arranged(arranged, type.shape.extents))
    let target = builder.output(output.collapsedKeepingAll(arranged, type.shape.extents))
    var domain: [Dimension] = []
    var outer: [IntegerExpression] = []
    let extent = { (group: [Int]) in group.reduce(Extent(1)) { $0 * type.shape[$1] } }
    for group in rows.dropLast() {
      let (dimension, index) = builder.dimension(Name("d\(outer.count)"), IntegerExpression(extent(group)))
      domain.append(dimension)
      outer.append(index)
    }
    let count = extent(rows.last!)
    let (blocks, block) = builder.dimension("t", IntegerExpression(count.dividedRoundingUp(by: blockSize)))
    let start = block * .constant(blockSize)
    let columns = IntegerExpression.blockSize(count, block: start, size: blockSize)
    var body: [Statement] = []
    let carry = builder.tile("carry", type.element, [blockSize], in: &body)
    builder.map([("c", columns)], in: &body) { body, indices in
      let identity = body.append(Body.Instruction(.constant(reduction.identity(type.element)), type: type.element))
      body.store(identity, Access(carry, indices[0]))
    }
    let step = builder.variable("s")
    let length = IntegerExpression(type.shape[along])
    let position = isReverse ? length - 1 - .variable(step) : .variable(step)
    var round: [Statement] = []
    try builder.map([("c", columns)], in: &round) { body, indices in
      let at = outer + [start + indices[0], position]
      let before = body.load(Access(carry, indices[0]), type.element)
      let after = try body.apply(reduction.op, before, input.read(at, as: type.element, in: &body))
      body.store(isExclusive ? before : after, target.access(at))
      body.store(after, Access(carry, indices[0]))
    }
    body.append(.loop(Loop(step, from: 0, to: length, step: 1, body: round)))
    builder.phase("run", domain + [blocks], body)
    try context.emit(builder, cost: context.cost(node))
  }

  /// The greatest elements of each row: a sweep for each, over those that come after the one before in the order of the result.
  static let topK = LoweringRule { context, node in
    try context.requireCompiledTypes(node)
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let count = context.graph.attributes(node).integer("count")
    let view = try context.view(operand)
    let outputs = [context.allocateResult(node, 0), context.allocateResult(node, 1)]
    var builder = KernelBuilder("top_k")
    let input = builder.input(view)
    let values = builder.output(outputs[0], name: "values")
    let indices = builder.output(outputs[1], name: "indices")
    var domain: [Dimension] = []
    var row: [IntegerExpression] = []
    for (position, extent) in type.shape.extents.dropLast().enumerated() {
      let (dimension, index) = builder.dimension(Name("d\(position)"), IntegerExpression(extent))
      domain.append(dimension)
      row.append(index)
    }
    let columns = IntegerExpression(type.shape.extents.last!)
    var body: [Statement] = []
    let lastValue = builder.tile("last_value", type.element, [1], in: &body)
    let lastIndex = builder.tile("last_index", .i32, [1], in: &body)
    let bestValue = builder.tile("best_value", type.element, [1], in: &body)
    let bestIndex = builder.tile("best_index", .i32, [1], in: &body)
    let greatest = type.element.isFloat ? Literal(Double.infinity) : Literal(type.element.integerRange.upperBound)
    let least = Body.Reduction.maximum.identity(type.element)
    func store(_ literal: Literal, _ element: ElementType, _ place: Place, in body: inout Body) {
      body.store(body.append(Body.Instruction(.constant(literal), type: element)), Access(place, 0))
    }
    builder.map([("u", 1)], in: &body) { body, _ in
      store(greatest, type.element, lastValue, in: &body)
      store(Literal(-1), .i32, lastIndex, in: &body)
    }
    let rank = builder.variable("k")
    var round: [Statement] = []
    builder.map([("u", 1)], in: &round) { body, _ in
      store(least, type.element, bestValue, in: &body)
      store(Literal(Int64(Int32.max)), .i32, bestIndex, in: &body)
    }
    /// The element at a column, its index, and whether it comes after the last one taken.
    func candidate(_ column: IntegerExpression, _ body: inout Body) throws -> (
      value: BodyValue, index: BodyValue, isLater: BodyValue
    ) {
      let value = body.load(input.access(row + [column]), type.element)
      let index = body.index(column, .i32)
      let last = body.load(Access(lastValue, 0), type.element)
      let isTie = try body.apply(.equal, value, last)
      let isBehind = try body.apply(.less, body.load(Access(lastIndex, 0), .i32), index)
      let isLess = try body.apply(.less, value, last)
      return (value, index, try body.apply(.or, isLess, try body.apply(.and, isTie, isBehind)))
    }
    try builder.map([("c", columns)], in: &round) { body, at in
      let (value, _, isLater) = try candidate(at[0], &body)
      let none = body.append(Body.Instruction(.constant(least), type: type.element))
      body.accumulate(.maximum, try body.apply(.select, isLater, value, none), Access(bestValue, 0))
    }
    try builder.map([("c", columns)], in: &round) { body, at in
      let (value, index, isLater) = try candidate(at[0], &body)
      let isBest = try body.apply(.and, isLater, try body.apply(.equal, value, body.load(Access(bestValue, 0), type.element)))
      let none = body.append(Body.Instruction(.constant(Literal(Int64(Int32.max))), type: .i32))
      body.accumulate(.minimum, try body.apply(.select, isBest, index, none), Access(bestIndex, 0))
    }
    builder.map([("u", 1)], in: &round) { body, _ in
      let value = body.load(Access(bestValue, 0), type.element)
      let index = body.load(Access(bestIndex, 0), .i32)
      body.store(value, values.access(row + [.variable(rank)]))
      body.store(index, indices.access(row + [.variable(rank)]))
      body.store(value, Access(lastValue, 0))
      body.store(index, Access(lastIndex, 0))
    }
    body.append(.loop(Loop(rank, from: 0, to: .constant(count), step: 1, body: round)))
    builder.phase("run", domain, body)
    try context.emit(builder, cost: context.cost(node))
  }
}

extension Body.Reduction {
  /// The reduction that a `reduce` or `scan` names; on bools, `and` is the minimum and `or` the maximum.
  init(kind: Name) throws {
    switch kind.text {
    case "add": self = .add
    case "multiply": self = .multiply
    case "minimum", "and": self = .minimum
    case "maximum", "or": self = .maximum
    default: throw HeedError("got the reduction kind \(kind), expected add, multiply, minimum, maximum, and, or")
    }
  }

  /// The value that changes nothing.
  func identity(_ element: ElementType) -> Literal {
    switch self {
    case .add: element.isFloat ? Literal(0.0) : Literal(0)
    case .multiply: element.isFloat ? Literal(1.0) : Literal(1)
    case .minimum: element.isFloat ? Literal(Double.infinity) : Literal(element.integerRange.upperBound)
    case .maximum: element.isFloat ? Literal(-Double.infinity) : Literal(element.integerRange.lowerBound)
    }
  }
}

extension Source {
  /// The source with only some of its dimensions, for questions about strides.
  func selecting(_ dimensions: [Int]) -> Source {
    switch self {
    case .view(let view): .view(view.transposed(dimensions))
    case .iota(let dimension): dimensions.firstIndex(of: dimension).map { .iota(dimension: $0) } ?? .literal(Literal(0))
    case .literal, .extent: self
    }
  }

  /// The source with its dimensions in groups, each taken as one; an empty group has extent 1.
  func arranged(_ groups: [[Int]], _ shape: [Extent]) -> Source {
    switch self {
    case .view(let view): .view(view.collapsedKeepingAll(groups, shape))
    case .iota, .literal, .extent: collapsed(groups, shape)
    }
  }
}

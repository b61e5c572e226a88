import HeedIR

extension LoweringRule {
  /// Sums, products and extrema over some dimensions.
  ///
  /// Where the dimension that is contiguous in memory is reduced, each row's elements are combined across vector lanes; where it is
  /// kept, whole vectors of results are combined at once. Bits of integers are combined in loops over the reduced dimensions.
  static let reduce = LoweringRule { context, node in
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let attributes = context.graph.attributes(node)
    let reduction = attributes.required(.kind)
    let wide = type.element.accumulated
    let reduced = attributes.required(.dims)
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

    let builder = KernelBuilder(Op.reduce)
    let input = builder.input(source.arranged(rows + over, type.shape.extents))
    let target = builder.output(output.collapsedKeepingAll(keptGroups.isEmpty ? [[]] : keptGroups, output.shape))
    let (domain, outer) = builder.domain(rows.dropLast().map(extent))
    let count = extent(rows.last!)
    let (blocks, block) = builder.dimension("t", IntegerExpression(count.dividedRoundingUp(by: blockSize)))
    let start = block * .constant(blockSize)
    let rowCount = IntegerExpression.blockSize(count, block: start, size: blockSize)
    let overDimensions = over.enumerated().map { (Name("k\($0.offset)"), IntegerExpression(extent($0.element))) }
    let rowDimension = [(Name("r"), rowCount)]
    builder.phase("run", domain + [blocks]) {
      let partial = builder.tile("partial", wide, [blockSize])
      let unordered = reduction.isExtremum && type.element.isFloat ? builder.tile("unordered", wide, [blockSize]) : nil
      builder.map(rowDimension) { body, indices in
        let identity = body.constant(reduction.identity(type.element), wide)
        body.store(identity, Access(partial, indices[0]))
        if let unordered { body.store(body.constant(0, wide), Access(unordered, indices[0])) }
      }
      if let accumulation = reduction.accumulation(type.element) {
        builder.map(isRowContiguous ? overDimensions + rowDimension : rowDimension + overDimensions) { body, indices in
          let row = isRowContiguous ? indices.last! : indices.first!
          let inner = isRowContiguous ? Array(indices.dropLast()) : Array(indices.dropFirst())
          let value = input.read(outer + [start + row] + inner, as: type.element, in: &body)
          let converted = body.apply(.convert, value, type: wide)
          body.accumulate(accumulation, converted, Access(partial, row))
          if let unordered { body.accumulateNaN(converted, wide, Access(unordered, row)) }
        }
      } else {
        builder.nest(overDimensions) { inner in
          builder.map(rowDimension) { body, indices in
            let value = input.read(outer + [start + indices[0]] + inner, as: type.element, in: &body)
            let before = body.load(Access(partial, indices[0]), wide)
            let after = body.apply(reduction.op, before, body.apply(.convert, value, type: wide))
            body.store(after, Access(partial, indices[0]))
          }
        }
      }
      builder.map(rowDimension) { body, indices in
        var total = body.load(Access(partial, indices[0]), wide)
        if let unordered { total = body.unlessNaN(total, wide, Access(unordered, indices[0])) }
        body.store(body.apply(.convert, total, type: type.element), target.access(outer + [start + indices[0]]))
      }
    }
    try context.emit(builder, cost: context.cost(node))
  }

  /// Running sums, products or extrema along a dimension: in order along it, vectorised and parallel over the others.
  static let scan = LoweringRule { context, node in
    let operand = context.graph.operands(node).first!
    let type = context.graph.type(operand)
    let attributes = context.graph.attributes(node)
    let reduction = attributes.required(.kind)
    let (isExclusive, isReverse) = (attributes.isSet(.exclusive), attributes.isSet(.reverse))
    let along = attributes.required(.dim)
    let others = (0..<type.rank).filter { $0 != along }
    let source = context.source(operand)
    let output = context.allocateResult(node)
    let groups = context.collapsedDimensions(
      others.map { type.shape[$0] }, sources: [source.selecting(others), .view(output.transposed(others))]
    ).map { $0.map { others[$0] } }
    let rows = groups.isEmpty ? [[]] : groups
    let arranged = rows + [[along]]
    let blockSize = 256

    let builder = KernelBuilder(Op.scan)
    let input = builder.input(source.arranged(arranged, type.shape.extents))
    let target = builder.output(output.collapsedKeepingAll(arranged, type.shape.extents))
    let extent = { (group: [Int]) in group.reduce(Extent(1)) { $0 * type.shape[$1] } }
    let (domain, outer) = builder.domain(rows.dropLast().map(extent))
    let count = extent(rows.last!)
    let (blocks, block) = builder.dimension("t", IntegerExpression(count.dividedRoundingUp(by: blockSize)))
    let start = block * .constant(blockSize)
    let columns = IntegerExpression.blockSize(count, block: start, size: blockSize)
    let computed = type.element.computed
    let length = IntegerExpression(type.shape[along])
    builder.phase("run", domain + [blocks]) {
      let carry = builder.tile("carry", computed, [blockSize])
      builder.map([("c", columns)]) { body, indices in
        let identity = body.constant(reduction.identity(type.element), computed)
        body.store(identity, Access(carry, indices[0]))
      }
      builder.loop("s", to: length) { step in
        let position = isReverse ? length - 1 - step : step
        builder.map([("c", columns)]) { body, indices in
          let at = outer + [start + indices[0], position]
          let before = body.load(Access(carry, indices[0]), computed)
          let element = input.read(at, as: computed, in: &body)
          var after = body.apply(reduction.op, before, element)
          if reduction.isExtremum, computed.isFloat {
            let isNumber = body.apply(.equal, before, before)
            let orNaN = body.apply(.select, body.apply(.equal, element, element), after, element)
            after = body.apply(.select, isNumber, orNaN, before)
          }
          body.store(isExclusive ? before : after, target.access(at))
          body.store(after, Access(carry, indices[0]))
        }
      }
    }
    try context.emit(builder, cost: context.cost(node))
  }
}

extension Reduction {
  /// The accumulation of a kernel that reduces elements of this type; nil where there is none. On bools, `and` is the minimum and
  /// `or` the maximum.
  func accumulation(_ element: ElementType) -> Body.Reduction? {
    switch self {
    case .add: .add
    case .multiply: .multiply
    case .minimum: .minimum
    case .maximum: .maximum
    case .and: element == .bool ? .minimum : nil
    case .or: element == .bool ? .maximum : nil
    }
  }
}

// The extremum of elements with a NaN is NaN, which an accumulation may miss. So the NaN are added to a sum of their own.
extension BodyBuilder {
  /// Adds `value` to a sum of NaN, which is 0 without one.
  mutating func accumulateNaN(_ value: BodyValue, _ element: ElementType, _ sum: Access) {
    accumulate(.add, apply(.select, apply(.equal, value, value), constant(0, element), value), sum)
  }

  /// `extremum`, or NaN where a sum of NaN is that.
  mutating func unlessNaN(_ extremum: BodyValue, _ element: ElementType, _ sum: Access) -> BodyValue {
    let found = load(sum, element)
    return apply(.select, apply(.equal, found, found), extremum, found)
  }
}

extension ElementType {
  /// The type in which elements are accumulated: kernels accumulate no bytes and no 16-bit floats. Narrowing the result of bytes wraps
  /// as each step would.
  var accumulated: ElementType { byteCount == 1 ? .i32 : computed }
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

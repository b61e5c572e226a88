internal import HeedIR

/// A contraction whose operands both have unit stride along the contracted dimension, such as keys as they are stored. Vectors run
/// along that dimension, each sum is a vector of partial sums, and the partial sums of a tile are added by a tree of shuffles.
///
/// Operands are not packed, so this is for few rows against many columns, where memory is the limit.
struct DotProduct {
  let contraction: Contraction
  /// The rows and columns of a register tile; their product is the number of lanes of a vector.
  let rows: Int
  let columns: Int
  /// The elements of a step: a vector's lanes, or twice that number of bf16 where one instruction multiplies pairs.
  let step: Int
  let isPaired: Bool
  /// What each operand moves by along the outer contracted dimensions.
  let leftStrides: [LinearIndex]
  let rightStrides: [LinearIndex]
  /// How far ahead the right operand is fetched, in elements; nil where it is not.
  let ahead: LinearIndex?

  /// Nil where an operand does not have unit stride along the last contracted dimension.
  init?(_ contraction: Contraction, _ phase: PhaseEmitter) throws {
    guard !contraction.left.isGuarded, !contraction.right.isGuarded, !contraction.over.isEmpty else { return nil }
    var (left, right): ([LinearIndex], [LinearIndex]) = ([], [])
    for dimension in contraction.over {
      guard let x = try phase.stride(of: contraction.left, along: dimension.variable, in: contraction),
        let y = try phase.stride(of: contraction.right, along: dimension.variable, in: contraction)
      else { return nil }
      left.append(x)
      right.append(y)
    }
    guard left.last?.constant == 1, right.last?.constant == 1,
      let distance = try phase.stride(of: contraction.right, along: contraction.columns.last!.variable, in: contraction)
    else { return nil }
    let lanes = phase.emitter.target.lanes(of: contraction.accumulator)
    let elements = [contraction.left, contraction.right].map { phase.elementType($0.place) }
    isPaired = elements == [.bf16, .bf16] && contraction.accumulator == .f32 && phase.emitter.target.has(.bfloat16Products)
    step = isPaired ? 2 * lanes : lanes
    let extent = try phase.uniform(contraction.rows.extent)
    let known = extent.constant ?? max(1, extent.knownMultiple)
    rows = [4, 2].first { $0 * 2 <= lanes && known >= $0 && (known % $0 == 0 || known > 2 * $0) } ?? 1
    columns = lanes / rows
    let depth = try phase.uniform(contraction.over.last!.extent).constant ?? 256
    let columnsAhead = max(columns, PhaseEmitter.bytesAhead / max(1, depth * elements[1].byteCount))
    ahead = phase.readsAhead(contraction) ? phase.emitter.multiply(distance, by: columnsAhead) : nil
    (self.contraction, leftStrides, rightStrides) = (contraction, left.dropLast(), right.dropLast())
  }
}

extension PhaseEmitter {
  /// All columns, tile by tile, against all rows: each column is read from memory once.
  func emitDots(_ product: DotProduct) throws {
    let contraction = product.contraction
    let (rows, columns) = (try uniform(contraction.rows.extent), try uniform(contraction.columns.last!.extent))
    let end = emitter.scalar(columns)
    let isWhole = columns.knownMultiple % product.columns == 0
    func block(_ start: LLVMValue, _ live: LLVMValue?) throws {
      let mask = live.map { emitter.firstLanes($0, product.columns) }
      let block = ColumnBlock(start: LinearIndex(start, multiple: product.columns), lanes: product.columns, masks: [mask])
      try emitter.loop(from: emitter.index(0), to: emitter.scalar(rows), step: product.rows, name: "rows") { row, _ in
        let isEven = rows.knownMultiple % product.rows == 0
        let left = isEven ? nil : emitter.minimum(builder.subtract(emitter.scalar(rows), row), emitter.index(product.rows))
        try emitTile(product, RowBlock(start: LinearIndex(row), count: product.rows, live: left), block, live)
        return []
      }
    }
    let whole = isWhole ? end : builder.and(emitter.maximum(end, emitter.index(0)), emitter.index(-product.columns))
    try emitter.loop(from: emitter.index(0), to: whole, step: product.columns, name: "columns") { start, _ in
      try block(start, nil)
      return []
    }
    if isWhole { return }
    try emitter.branch(if: builder.compare(whole, .less, end), name: "rest") { try block(whole, builder.subtract(end, whole)) }
  }

  /// A tile's sums, then the epilogue on them. Where only the first `live` columns exist, the last of them is read in place of the
  /// others.
  private func emitTile(_ product: DotProduct, _ rows: RowBlock, _ block: ColumnBlock, _ live: LLVMValue?) throws {
    let contraction = product.contraction
    let type = contraction.accumulator
    let lanes = emitter.target.lanes(of: type)
    (body, values, self.lanes, mask) = (Body(), [], 1, nil)
    for dimension in contraction.over { variables[dimension.variable] = LinearIndex(0) }
    let rowIndices = (0..<rows.count).map { row($0, of: rows) }
    let left = try rowIndices.map { index in
      variables[contraction.rows.variable] = index
      return try OperandStart(contraction.left, self)
    }
    let right = try (0..<product.columns).map { column in
      let position = live.map { emitter.minimum(emitter.index(column), builder.subtract($0, emitter.index(1))) }
      variables[contraction.columns.last!.variable] = emitter.add(
        block.start, position.map { LinearIndex($0) } ?? LinearIndex(column))
      return (try OperandStart(contraction.right, self), try contraction.ahead.map { try OperandStart($0, self) })
    }
    let over = try contraction.over.map { try uniform($0.extent) }
    var sums = Array(repeating: emitter.registerType(type, lanes).zero, count: rows.count * product.columns)
    sums = try emitOuter(product, over, depth: 0, LinearIndex(0), LinearIndex(0), sums) { leftOffset, rightOffset, sums in
      emitDot(product, left, right, leftOffset, rightOffset, over.last!, sums)
    }
    let all = sumsOfLanes(sums)
    let results = try rowIndices.enumerated().map { position, index in
      let sum =
        rows.count == 1 ? all : builder.shuffle(all, all, (0..<product.columns).map { position * product.columns + $0 })
      guard let initial = contraction.initial else { return sum }
      variables[contraction.rows.variable] = index
      enter(block, 0, contraction)
      return builder.add(sum, register(try load(initial, as: type, otherwise: nil), type))
    }
    try emitEpilogue(contraction, rows, block, results)
  }

  private func emitOuter(
    _ product: DotProduct, _ over: [LinearIndex], depth: Int, _ left: LinearIndex, _ right: LinearIndex, _ sums: [LLVMValue],
    _ inner: (_ left: LinearIndex, _ right: LinearIndex, _ sums: [LLVMValue]) throws -> [LLVMValue]
  ) throws -> [LLVMValue] {
    guard depth < over.count - 1 else { return try inner(left, right, sums) }
    return try emitter.loop(from: emitter.index(0), to: emitter.scalar(over[depth]), carrying: sums, name: "over") {
      position, sums in
      let index = LinearIndex(position)
      return try emitOuter(
        product, over, depth: depth + 1, emitter.add(left, emitter.multiply(index, by: product.leftStrides[depth])),
        emitter.add(right, emitter.multiply(index, by: product.rightStrides[depth])), sums, inner)
    }
  }

  /// The products along the last contracted dimension, by vectors; what is left over under a mask, or one at a time in the first
  /// lane.
  private func emitDot(
    _ product: DotProduct, _ left: [OperandStart], _ right: [(start: OperandStart, ahead: OperandStart?)],
    _ leftOffset: LinearIndex, _ rightOffset: LinearIndex,
    _ extent: LinearIndex, _ sums: [LLVMValue]
  ) -> [LLVMValue] {
    let step = product.step
    /// Adds the products of the elements that `fetch` returns.
    func round(_ position: LinearIndex, _ sums: [LLVMValue], _ fetch: (OperandStart, LinearIndex) -> LLVMValue) -> [LLVMValue] {
      let distance = emitter.add(rightOffset, position)
      if let ahead = product.ahead {
        for (start, next) in right { prefetch(next ?? start, next == nil ? emitter.add(distance, ahead) : distance, 0) }
      }
      let columns = right.map { fetch($0.start, distance) }
      var next = sums
      for (row, start) in left.enumerated() {
        let factor = fetch(start, emitter.add(leftOffset, position))
        for (column, value) in columns.enumerated() {
          let slot = row * columns.count + column
          next[slot] =
            product.isPaired ? emitter.pairMultiplyAdd(factor, value, sums[slot]) : emitter.multiplyAdd(factor, value, sums[slot])
        }
      }
      return next
    }
    let whole: LLVMValue
    if let constant = extent.constant {
      whole = emitter.index(constant / step * step)
    } else {
      whole = builder.and(emitter.maximum(emitter.scalar(extent), emitter.index(0)), emitter.index(-step))
    }
    let sums = emitter.loop(from: emitter.index(0), to: whole, step: step, carrying: sums, name: "depth") { position, sums in
      round(LinearIndex(position, multiple: step), sums) { fetch(product, $0, $1, step, mask: nil) }
    }
    if extent.knownMultiple % step == 0 { return sums }
    let end = emitter.scalar(extent)
    if emitter.target.has(.maskedAccess) {
      let mask = emitter.firstLanes(builder.subtract(end, whole), step)
      return round(LinearIndex(whole), sums) { fetch(product, $0, $1, step, mask: mask) }
    }
    return emitter.loop(from: whole, to: end, carrying: sums, name: "rest") { position, sums in
      round(LinearIndex(position), sums) { start, distance in
        builder.insert(fetch(product, start, distance, 1, mask: nil), into: sums[0].type.zero, lane: 0)
      }
    }
  }

  /// Consecutive elements as factors.
  private func fetch(
    _ product: DotProduct, _ start: OperandStart, _ distance: LinearIndex, _ count: Int, mask: LLVMValue?
  ) -> LLVMValue {
    let element = start.element
    let pointer = start.address(distance, 0, self)
    let type = emitter.memoryType(element, count)
    let raw =
      mask.map { emitter.maskedLoad(type, pointer, $0, alignment: element.byteCount) }
      ?? builder.load(type, pointer, alignment: element.byteCount)
    if product.isPaired { return raw }
    return emitter.convert(emitter.fromMemory(raw, element), from: element, to: product.contraction.accumulator)
  }

  /// The sums over the lanes of each vector, as one vector. There is one vector per lane; neighbours are added pairwise, in the
  /// same order for all.
  private func sumsOfLanes(_ vectors: [LLVMValue]) -> LLVMValue {
    var vectors = vectors
    let lanes = vectors.count
    let (even, odd) = ((0..<lanes).map { 2 * $0 }, (0..<lanes).map { 2 * $0 + 1 })
    while vectors.count > 1 {
      vectors = Swift.stride(from: 0, to: vectors.count, by: 2).map { position in
        let (a, b) = (vectors[position], vectors[position + 1])
        return builder.add(builder.shuffle(a, b, even), builder.shuffle(a, b, odd))
      }
    }
    return vectors[0]
  }
}

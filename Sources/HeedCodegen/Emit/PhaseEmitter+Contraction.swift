internal import HeedIR

/// Contractions: sums of products with the sums in vector registers.
extension PhaseEmitter {
  func emit(_ contraction: Contraction) throws {
    let panels = contraction.columns.count == 2 ? contraction.columns[0] : nil
    let count = try panels.map { emitter.scalar(try uniform($0.extent)) } ?? emitter.index(1)
    try emitter.loop(from: emitter.index(0), to: count, name: "panel") { panel, _ in
      if let panels {
        variables[panels.variable] = LinearIndex(panel)
        bounds[panels.variable] = upperBound(below: panels.extent)
      }
      if let product = try MatrixProduct(contraction, self) {
        try emitColumns(product, try product.over.map { try uniform($0.extent) })
      } else if let dots = try DotProduct(contraction, self) {
        try emitDots(dots)
      } else {
        try emitPointwise(contraction, try contraction.over.map { try uniform($0.extent) })
      }
      return []
    }
    for dimension in [contraction.rows] + contraction.columns + contraction.over { variables[dimension.variable] = nil }
  }

  // MARK: Register tiles

  /// Larger bounds count as this: register tiles are the same.
  private static let mostBound = 1 << 32

  /// The columns of one panel, by blocks of the register tile's width.
  private func emitColumns(_ product: MatrixProduct, _ over: [LinearIndex]) throws {
    let columns = try uniform(product.columns.extent)
    let lanes = emitter.target.lanes(of: product.contraction.accumulator)
    let bound = min(columns.constant ?? upperBound(product.columns.extent) ?? 4 * lanes, Self.mostBound)
    let rows = try uniform(product.rows.extent)
    let rowBound = min(rows.constant ?? rowLimit(product.contraction) ?? 64, Self.mostBound)
    let isSkinny = rowBound <= Self.fewRows
    let hasMasks = emitter.target.has(.maskedAccess)
    let vectorBound = hasMasks ? (bound + lanes - 1) / lanes : bound / lanes
    let tile =
      isSkinny && rows.constant == nil
      ? RegisterTile.skinny(vectors: max(1, vectorBound), on: emitter.target)
      : RegisterTile.best(rows: rowBound, isExact: rows.constant != nil, vectors: max(1, vectorBound), on: emitter.target)
    let width = tile.vectors * lanes
    func block(_ start: LLVMValue, _ masks: [LLVMValue?], _ lanes: Int, rows tileRows: Int = tile.rows) throws {
      try emitRows(
        product, over, rows, tileRows, isSkinny: isSkinny,
        ColumnBlock(start: LinearIndex(start, multiple: lanes), lanes: lanes, masks: masks))
    }

    let whole = divided(columns, by: width)
    try emitter.loop(from: emitter.index(0), to: whole, step: width, name: "columns") { start, _ in
      try block(start, Array(repeating: nil, count: tile.vectors), lanes)
      return []
    }
    if columns.knownMultiple % width == 0 { return }
    let end = emitter.scalar(columns)
    if let extent = columns.constant {
      let rest = extent % width
      var masks: [LLVMValue?] = Array(repeating: nil, count: rest / lanes)
      if hasMasks && rest % lanes != 0 { masks.append(emitter.firstLanes(emitter.index(rest % lanes), lanes)) }
      if !masks.isEmpty { try block(whole, masks, lanes) }
      if hasMasks { return }
    } else {
      let isWhole = columns.knownMultiple % lanes == 0
      // One vector at a time takes more rows, so that as many sums are under way.
      let rowsOfVector =
        isSkinny ? tile.rows : RegisterTile.best(rows: rowBound, isExact: false, vectors: 1, on: emitter.target).rows
      let last = hasMasks || isWhole ? end : divided(columns, by: lanes)
      try emitter.loop(from: whole, to: last, step: lanes, name: "columns") { start, _ in
        let mask =
          hasMasks && !isWhole
          ? emitter.firstLanes(emitter.minimum(builder.subtract(end, start), emitter.index(lanes)), lanes) : nil
        try block(start, [mask], lanes, rows: rowsOfVector)
        return []
      }
      if hasMasks || isWhole { return }
    }
    try emitter.loop(from: divided(columns, by: lanes), to: end, name: "column") { start, _ in
      try block(start, [nil], 1)
      return []
    }
  }

  /// So many rows use each element of the right operand so seldom that memory sets the pace: it is read ahead.
  static let fewRows = 16
  /// How far ahead, in bytes: measured, half or twice as far is slower.
  static let bytesAhead = 16384

  /// The most rows that a contraction can have, where that is known: by its extent, or by the tile that its left operand lies in.
  func rowLimit(_ contraction: Contraction) -> Int? {
    var limit = upperBound(contraction.rows.extent)
    if case .tile(let number) = contraction.left.place {
      for (index, extent) in zip(contraction.left.indices, tiles[number].tile.shape)
      where index.expression == .variable(contraction.rows.variable) {
        limit = min(limit ?? extent, extent)
      }
    }
    return limit
  }

  /// Whether to read the right operand ahead: where it is an argument of the kernel and there are few rows.
  func readsAhead(_ contraction: Contraction) -> Bool {
    guard case .buffer(let number) = contraction.right.place, kernel.buffers[number].role != .workspace else { return false }
    return rowLimit(contraction).map { $0 <= Self.fewRows } ?? false
  }

  /// Where the right operand is read ahead, for the current columns: a place and how far behind it, in elements; nil where it is
  /// not.
  func ahead(_ product: MatrixProduct, _ right: OperandStart) throws -> (start: OperandStart, distance: LinearIndex)? {
    guard readsAhead(product.contraction), let stride = product.rightStrides.last else { return nil }
    if let next = product.contraction.ahead { return (try OperandStart(next, self), LinearIndex(0)) }
    let row = try uniform(product.columns.extent).constant ?? 64
    let bytes = row * elementType(product.contraction.right.place).byteCount
    return (right, emitter.multiply(stride, by: max(2, Self.bytesAhead / max(1, bytes))))
  }

  /// Asks for the line at a distance in elements from an operand's start.
  func prefetch(_ start: OperandStart, _ distance: LinearIndex, _ column: Int) {
    let pointer = start.address(distance, column, self, mayLeave: true)
    let (read, keep, data) = (emitter.int32.constant(0), emitter.int32.constant(3), emitter.int32.constant(1))
    _ = builder.call(emitter.module.intrinsic("llvm.prefetch", [emitter.pointer]), [pointer, read, keep, data])
  }

  /// The greatest multiple of `width` that is not above an extent.
  private func divided(_ extent: LinearIndex, by width: Int) -> LLVMValue {
    if let constant = extent.constant { return emitter.index(constant / width * width) }
    let value = emitter.scalar(extent)
    if extent.knownMultiple % width == 0 { return value }
    let positive = emitter.maximum(value, emitter.index(0))
    return builder.multiply(builder.divideUnsigned(positive, emitter.index(width)), emitter.index(width))
  }

  /// The rows of one block of columns, by register tiles. Where the number of rows is known only when the code runs, the last tile
  /// computes rows that are not there from the last one that is.
  private func emitRows(
    _ product: MatrixProduct, _ over: [LinearIndex], _ rows: LinearIndex, _ tileRows: Int, isSkinny: Bool, _ block: ColumnBlock
  ) throws {
    if let extent = rows.constant {
      let whole = extent / tileRows * tileRows
      try emitter.loop(from: emitter.index(0), to: emitter.index(whole), step: tileRows, name: "rows") { start, _ in
        try emitTile(product, over, RowBlock(start: LinearIndex(start), count: tileRows), block)
        return []
      }
      if extent > whole {
        try emitTile(product, over, RowBlock(start: LinearIndex(whole), count: extent - whole), block)
      }
      return
    }
    let end = emitter.scalar(rows)
    if isSkinny || rows.knownMultiple % tileRows == 0 {
      let whole = divided(rows, by: tileRows)
      try emitter.loop(from: emitter.index(0), to: whole, step: tileRows, name: "rows") { start, _ in
        try emitTile(product, over, RowBlock(start: LinearIndex(start), count: tileRows), block)
        return []
      }
      if rows.knownMultiple % tileRows == 0 { return }
      try emitter.loop(from: whole, to: end, name: "row") { start, _ in
        try emitTile(product, over, RowBlock(start: LinearIndex(start), count: 1), block)
        return []
      }
      return
    }
    try emitter.loop(from: emitter.index(0), to: end, step: tileRows, name: "rows") { start, _ in
      let live = emitter.minimum(builder.subtract(end, start), emitter.index(tileRows))
      try emitTile(product, over, RowBlock(start: LinearIndex(start), count: tileRows, live: live), block)
      return []
    }
  }

  /// One register tile: the sums, then the epilogue on them.
  private func emitTile(_ product: MatrixProduct, _ over: [LinearIndex], _ rows: RowBlock, _ block: ColumnBlock) throws {
    let contraction = product.contraction
    let type = contraction.accumulator
    (body, values, lanes, mask) = (Body(), [], 1, nil)
    for dimension in contraction.over { variables[dimension.variable] = LinearIndex(0) }
    let rowIndices = (0..<rows.count).map { row($0, of: rows) }
    variables[product.columns.variable] = block.start
    func start(_ access: Access) throws -> OperandStart {
      let start = try OperandStart(access, self)
      return rows.live == nil ? start : start.independent(self)
    }
    let right = try start(contraction.right)
    let left = try rowIndices.map { index in
      variables[product.rows.variable] = index
      return try start(contraction.left)
    }

    var sums: [LLVMValue] = []
    for index in rowIndices {
      for vector in block.masks.indices {
        guard let initial = contraction.initial else {
          sums.append(emitter.registerType(type, block.lanes).zero)
          continue
        }
        enter(block, vector, contraction)
        variables[product.rows.variable] = index
        sums.append(register(try load(initial, as: type, otherwise: nil), type))
      }
    }
    try prefetchEpilogue(contraction, rowIndices, block)
    lanes = block.lanes
    if product.unit == .rows {
      sums = try emitSums(product, Array(over.dropLast()), depth: 0, LinearIndex(0), LinearIndex(0), sums) {
        try emitRowPairs(product, left, right, block, over.last!, $0, $1, $2)
      }
    } else {
      let ahead = try ahead(product, right)
      sums = try emitSums(product, over, depth: 0, LinearIndex(0), LinearIndex(0), sums) { leftOffset, rightOffset, sums in
        if let ahead {
          for vector in block.masks.indices {
            prefetch(ahead.start, emitter.add(rightOffset, ahead.distance), vector * block.lanes)
          }
        }
        let vectors = block.masks.indices.map { vector in
          product.loadRight(right, rightOffset, vector * block.lanes, block.lanes, block.masks[vector], self)
        }
        return addProducts(sums, vectors, rows.count, product.multiplyAdd) { row in
          product.loadLeft(left[row], leftOffset, block.lanes, self)
        }
      }
    }
    try emitEpilogue(contraction, rows, block, sums)
  }

  /// The sums of a tile with the products of one step: each row's factor with each vector.
  func addProducts(
    _ sums: [LLVMValue], _ vectors: [LLVMValue], _ rows: Int,
    _ multiplyAdd: (LLVMValue, LLVMValue, LLVMValue, Emitter) -> LLVMValue, factor: (_ row: Int) -> LLVMValue
  ) -> [LLVMValue] {
    var next = sums
    for row in 0..<rows {
      let factor = factor(row)
      for (vector, value) in vectors.enumerated() {
        let slot = row * vectors.count + vector
        next[slot] = multiplyAdd(factor, value, sums[slot], emitter)
      }
    }
    return next
  }

  /// The row of a tile at a position; where the tile is not full, no row past the last.
  func row(_ position: Int, of rows: RowBlock) -> LinearIndex {
    guard let live = rows.live, position > 0 else { return emitter.add(rows.start, LinearIndex(position)) }
    let last = builder.subtract(live, emitter.index(1))
    return emitter.add(rows.start, LinearIndex(emitter.minimum(emitter.index(position), last)))
  }

  /// The loops over the contracted dimensions, innermost the products.
  private func emitSums(
    _ product: MatrixProduct, _ over: [LinearIndex], depth: Int, _ left: LinearIndex, _ right: LinearIndex, _ sums: [LLVMValue],
    _ step: (_ left: LinearIndex, _ right: LinearIndex, _ sums: [LLVMValue]) throws -> [LLVMValue]
  ) throws -> [LLVMValue] {
    guard depth < over.count else { return try step(left, right, sums) }
    let end = emitter.scalar(over[depth])
    return try emitter.loop(from: emitter.index(0), to: end, carrying: sums, name: "over") { position, sums in
      let index = LinearIndex(position)
      return try emitSums(
        product, over, depth: depth + 1, emitter.add(left, emitter.multiply(index, by: product.leftStrides[depth])),
        emitter.add(right, emitter.multiply(index, by: product.rightStrides[depth])), sums, step)
    }
  }

  // MARK: Any addresses

  /// The contraction point by point, for operands that a register tile cannot address.
  private func emitPointwise(_ contraction: Contraction, _ over: [LinearIndex]) throws {
    let columns = contraction.columns.last!
    let (rows, extent) = (try uniform(contraction.rows.extent), try uniform(columns.extent))
    let type = contraction.accumulator
    try emitter.loop(from: emitter.index(0), to: emitter.scalar(rows), name: "row") { row, _ in
      variables[contraction.rows.variable] = LinearIndex(row)
      try emitVectors(contraction.epilogue, over: columns.variable, extent: extent) { _ in
        let initial = try contraction.initial.map { register(try load($0, as: type, otherwise: nil), type) }
        let sum = try emitPoint(contraction, over, depth: 0, initial ?? emitter.registerType(type, lanes).zero)
        return [lanes == 1 ? .uniform(sum) : .varying(sum)]
      }
      return []
    }
  }

  private func emitPoint(_ contraction: Contraction, _ over: [LinearIndex], depth: Int, _ sum: LLVMValue) throws -> LLVMValue {
    let type = contraction.accumulator
    guard depth < over.count else {
      let left = register(try load(contraction.left, as: type, otherwise: nil), type)
      let right = register(try load(contraction.right, as: type, otherwise: nil), type)
      return emitter.multiplyAdd(left, right, sum)
    }
    let end = emitter.scalar(over[depth])
    return try emitter.loop(from: emitter.index(0), to: end, carrying: [sum], name: "over") { position, sums in
      variables[contraction.over[depth].variable] = LinearIndex(position)
      return [try emitPoint(contraction, over, depth: depth + 1, sums[0])]
    }[0]
  }
}

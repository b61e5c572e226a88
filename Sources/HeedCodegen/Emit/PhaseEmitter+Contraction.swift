internal import HeedIR

/// Contractions: sums of products with the sums in vector registers.
extension PhaseEmitter {
  func emit(_ contraction: Contraction) throws {
    let panels = contraction.columns.count == 2 ? contraction.columns[0] : nil
    let count = try panels.map { emitter.scalar(try uniform($0.extent)) } ?? emitter.index(1)
    try emitter.loop(from: emitter.index(0), to: count, name: "panel") { panel, _ in
      if let panels {
        variables[panels.variable] = LinearIndex(panel)
        bounds[panels.variable] = upperBound(panels.extent).map { $0 - 1 }
      }
      if let product = try MatrixProduct(contraction, self) {
        try emitColumns(product, try product.over.map { try uniform($0.extent) })
      } else {
        try emitPointwise(contraction, try contraction.over.map { try uniform($0.extent) })
      }
      return []
    }
    for dimension in [contraction.rows] + contraction.columns + contraction.over { variables[dimension.variable] = nil }
  }

  // MARK: Register tiles

  /// The columns of one panel, by blocks of the register tile's width.
  private func emitColumns(_ product: MatrixProduct, _ over: [LinearIndex]) throws {
    let columns = try uniform(product.columns.extent)
    let lanes = emitter.target.lanes(of: product.contraction.accumulator)
    let bound = columns.constant ?? upperBound(product.columns.extent) ?? 4 * lanes
    let rows = try uniform(product.rows.extent)
    let rowBound = rows.constant ?? upperBound(product.rows.extent) ?? 64
    let hasMasks = emitter.target.hasMaskedAccess
    let vectorBound = hasMasks ? (bound + lanes - 1) / lanes : bound / lanes
    let tile = RegisterTile.best(
      rows: rowBound, isExact: rows.constant != nil, vectors: max(1, vectorBound), on: emitter.target)
    let width = tile.vectors * lanes
    func block(_ start: LLVMValue, _ masks: [LLVMValue?], _ lanes: Int) throws {
      try emitRows(
        product, over, rows, tile.rows, ColumnBlock(start: LinearIndex(start, multiple: lanes), lanes: lanes, masks: masks))
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
    } else if hasMasks {
      try emitter.loop(from: whole, to: end, step: lanes, name: "columns") { start, _ in
        try block(start, [emitter.firstLanes(emitter.minimum(builder.subtract(end, start), emitter.index(lanes)), lanes)], lanes)
        return []
      }
      return
    } else {
      try emitter.loop(from: whole, to: divided(columns, by: lanes), step: lanes, name: "columns") { start, _ in
        try block(start, [nil], lanes)
        return []
      }
    }
    try emitter.loop(from: divided(columns, by: lanes), to: end, name: "column") { start, _ in
      try block(start, [nil], 1)
      return []
    }
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
    _ product: MatrixProduct, _ over: [LinearIndex], _ rows: LinearIndex, _ tileRows: Int, _ block: ColumnBlock
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
    let right = try product.start(contraction.right, self)
    let left = try rowIndices.map { index in
      variables[product.rows.variable] = index
      return try product.start(contraction.left, self)
    }

    var sums: [LLVMValue] = []
    for index in rowIndices {
      for vector in block.masks.indices {
        guard let initial = contraction.initial else {
          sums.append(emitter.registerType(type, block.lanes).zero)
          continue
        }
        enter(block, vector, product)
        variables[product.rows.variable] = index
        sums.append(register(try load(initial, as: type, otherwise: nil), type))
      }
    }
    lanes = block.lanes
    sums = try emitSums(product, over, depth: 0, LinearIndex(0), LinearIndex(0), sums) { leftOffset, rightOffset, sums in
      var next = sums
      let vectors = block.masks.indices.map { vector in
        product.loadRight(right, rightOffset, vector * block.lanes, block.lanes, block.masks[vector], self)
      }
      for row in 0..<rows.count {
        let factor = product.loadLeft(left[row], leftOffset, block.lanes, self)
        for (vector, value) in vectors.enumerated() {
          let slot = row * vectors.count + vector
          next[slot] = product.multiplyAdd(factor, value, sums[slot], emitter)
        }
      }
      return next
    }
    try emitEpilogue(product, rows, block, sums)
  }

  /// The row of a tile at a position; where the tile is not full, no row past the last.
  private func row(_ position: Int, of rows: RowBlock) -> LinearIndex {
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

  // MARK: Epilogue

  /// Makes a block's vector the current lanes.
  private func enter(_ block: ColumnBlock, _ vector: Int, _ product: MatrixProduct) {
    (lanes, mask) = (block.lanes, block.masks[vector])
    var position = emitter.add(block.start, LinearIndex(vector * block.lanes))
    if block.lanes > 1 { position.step = emitter.index(1) }
    variables[product.columns.variable] = position
  }

  /// The epilogue on the sums of a tile. A short one is repeated for each vector, so that sums stay in registers; a long one runs
  /// in a loop over the sums in memory.
  private func emitEpilogue(_ product: MatrixProduct, _ rows: RowBlock, _ block: ColumnBlock, _ sums: [LLVMValue]) throws {
    let epilogue = product.contraction.epilogue
    let vectors = block.masks.count
    let changes = Dependence(epilogue, on: [product.columns.variable])
    if block.lanes > 1, try instructionCount(epilogue, changes) * rows.count * vectors > 160 {
      return try emitLoopedEpilogue(product, rows, block, sums)
    }
    // Rows that are not there repeat the last one that is: to store its results again does no harm.
    let isRepeatable = epilogue.isRepeatable
    for row in 0..<rows.count {
      func emitRow() throws {
        variables[product.rows.variable] = isRepeatable ? self.row(row, of: rows) : emitter.add(rows.start, LinearIndex(row))
        variables[product.columns.variable] = block.start
        try begin(epilogue, changes)
        let invariant = values
        var running: [Int: LLVMValue] = [:]
        for vector in 0..<vectors {
          enter(block, vector, product)
          values = invariant
          let sum = sums[row * vectors + vector]
          values[0] = lanes == 1 ? .uniform(sum) : .varying(sum)
          try emitBody(accumulate: { instruction, operand in
            guard changes.carried[instruction] else { return false }
            running[instruction] = fold(instruction, running[instruction] ?? identity(instruction, lanes), operand)
            return true
          })
        }
        (lanes, mask, values) = (1, nil, invariant)
        for instruction in running.keys.sorted() { try finish(instruction, running[instruction]!) }
      }
      if let live = rows.live, row > 0, !isRepeatable {
        try emitter.branch(if: builder.compare(emitter.index(row), .less, live), name: "row") { try emitRow() }
      } else {
        try emitRow()
      }
    }
  }

  /// The instructions that run for each vector, expansions included.
  private func instructionCount(_ body: Body, _ changes: Dependence) throws -> Int {
    var count = 0
    for (instruction, differs) in zip(body.instructions, changes.instructions) where differs {
      count += 1
      guard case .elementwise(let opcode) = instruction.operation, let type = instruction.operands.first.map(body.type) else {
        continue
      }
      count += try Op.with(opcode).scalar?.expansion?(type)?.instructions.count ?? 0
    }
    return count
  }

  private func emitLoopedEpilogue(_ product: MatrixProduct, _ rows: RowBlock, _ block: ColumnBlock, _ sums: [LLVMValue]) throws {
    let epilogue = product.contraction.epilogue
    let type = product.contraction.accumulator
    let vectors = block.masks.count
    let width = block.lanes * vectors
    let element = emitter.registerType(type, 1)
    let memory = emitter.allocateInEntry(element.array(rows.count * width))
    for (slot, sum) in sums.enumerated() {
      builder.store(sum, builder.address(memory, emitter.index(slot * block.lanes), of: element), alignment: type.byteCount)
    }
    // The columns that are there: all but those that the last vector's mask leaves out.
    var extent = LinearIndex(width)
    if block.masks.contains(where: { $0 != nil }) {
      extent = emitter.subtract(try uniform(product.columns.extent), block.start)
      if extent.constant == nil { extent = LinearIndex(emitter.minimum(emitter.scalar(extent), emitter.index(width))) }
    }
    let count = rows.live ?? emitter.index(rows.count)
    try emitter.loop(from: emitter.index(0), to: count, name: "epilogue") { row, _ in
      variables[product.rows.variable] = emitter.add(rows.start, LinearIndex(row))
      let line = builder.address(memory, builder.multiplyNoWrap(row, emitter.index(width)), of: element)
      try emitVectors(epilogue, over: product.columns.variable, from: block.start, extent: extent) { position in
        let pointer = builder.address(line, position, of: element)
        let value = builder.load(emitter.registerType(type, lanes), pointer, alignment: type.byteCount)
        return [lanes == 1 ? .uniform(value) : .varying(value)]
      }
      return []
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

extension Body {
  /// Whether to run the body again for a point does nothing new: it only stores, and reads nothing that it stores.
  fileprivate var isRepeatable: Bool {
    let written = instructions.compactMap { instruction -> Place? in
      if case .store(let access) = instruction.operation { access.place } else { nil }
    }
    return instructions.allSatisfy { instruction in
      switch instruction.operation {
      case .accumulate: false
      case .load(let access, _): !written.contains(access.place)
      default: true
      }
    }
  }
}

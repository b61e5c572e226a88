internal import HeedIR

/// Epilogues: what a contraction does with its sums.
extension PhaseEmitter {
  /// Makes a block's vector the current lanes.
  func enter(_ block: ColumnBlock, _ vector: Int, _ contraction: Contraction) {
    (lanes, mask) = (block.lanes, block.masks[vector])
    var position = emitter.add(block.start, LinearIndex(vector * block.lanes))
    if block.lanes > 1 { position.step = emitter.index(1) }
    variables[contraction.columns.last!.variable] = position
  }

  /// The epilogue on the sums of a tile. A short one is repeated for each vector, so that sums stay in registers; a long one runs
  /// in a loop over the sums in memory.
  func emitEpilogue(_ contraction: Contraction, _ rows: RowBlock, _ block: ColumnBlock, _ sums: [LLVMValue]) throws {
    let epilogue = contraction.epilogue
    let vectors = block.masks.count
    let changes = Dependence(epilogue, on: [contraction.columns.last!.variable])
    if block.lanes > 1, try instructionCount(epilogue, changes) * rows.count * vectors > 160 {
      return try emitLoopedEpilogue(contraction, rows, block, sums)
    }
    // Rows that are not there repeat the last one that is: to store its results again does no harm.
    let isRepeatable = epilogue.isRepeatable
    for row in 0..<rows.count {
      func emitRow() throws {
        variables[contraction.rows.variable] = isRepeatable ? self.row(row, of: rows) : emitter.add(rows.start, LinearIndex(row))
        variables[contraction.columns.last!.variable] = block.start
        try begin(epilogue, changes)
        let invariant = values
        var running: [Int: LLVMValue] = [:]
        for vector in 0..<vectors {
          enter(block, vector, contraction)
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
        for instruction in running.keys.sorted() { try finish(instruction, reduced(instruction, [running[instruction]!])[0]) }
      }
      if let live = rows.live, row > 0, !isRepeatable {
        try emitter.branch(if: builder.compare(emitter.index(row), .less, live), name: "row") { try emitRow() }
      } else {
        try emitRow()
      }
    }
  }

  /// Asks for what the epilogue reads at the points of a tile before their sums are computed. What was computed long ago, as in the
  /// forward half of a derivative, is far away.
  func prefetchEpilogue(_ contraction: Contraction, _ rows: [LinearIndex], _ block: ColumnBlock) throws {
    let column = contraction.columns.last!.variable
    guard block.lanes > 1 else { return }
    for instruction in contraction.epilogue.instructions {
      guard case .load(let access, _) = instruction.operation, case .buffer = access.place, !access.isGuarded,
        access.indices.contains(where: { mentions(contraction.rows.variable, $0.expression) }),
        try stride(of: access, along: column, in: contraction)?.constant == 1
      else { continue }
      let vectorsOfLine = max(1, 64 / (block.lanes * elementType(access.place).byteCount))
      variables[column] = block.start
      for row in rows {
        variables[contraction.rows.variable] = row
        let start = try OperandStart(access, self)
        for vector in Swift.stride(from: 0, to: block.masks.count, by: vectorsOfLine) {
          prefetch(start, LinearIndex(0), vector * block.lanes)
        }
      }
    }
  }

  /// The instructions that run for each vector, expansions included.
  private func instructionCount(_ body: Body, _ changes: Dependence) throws -> Int {
    var count = 0
    for (instruction, differs) in zip(body.instructions, changes.instructions) where differs {
      count += 1
      guard case .elementwise(let op) = instruction.operation, let type = instruction.operands.first.map(body.type) else {
        continue
      }
      count += try op.scalar?.expansion?(type)?.instructions.count ?? 0
    }
    return count
  }

  private func emitLoopedEpilogue(_ contraction: Contraction, _ rows: RowBlock, _ block: ColumnBlock, _ sums: [LLVMValue]) throws {
    let epilogue = contraction.epilogue
    let type = contraction.accumulator
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
      extent = emitter.subtract(try uniform(contraction.columns.last!.extent), block.start)
      if extent.constant == nil { extent = LinearIndex(emitter.minimum(emitter.scalar(extent), emitter.index(width))) }
    }
    let count = rows.live ?? emitter.index(rows.count)
    try emitter.loop(from: emitter.index(0), to: count, name: "epilogue") { row, _ in
      variables[contraction.rows.variable] = emitter.add(rows.start, LinearIndex(row))
      let line = builder.address(memory, builder.multiplyNoWrap(row, emitter.index(width)), of: element)
      try emitVectors(epilogue, over: contraction.columns.last!.variable, from: block.start, extent: extent) { position in
        let pointer = builder.address(line, position, of: element)
        let value = builder.load(emitter.registerType(type, lanes), pointer, alignment: type.byteCount)
        return [lanes == 1 ? .uniform(value) : .varying(value)]
      }
      return []
    }
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

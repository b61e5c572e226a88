internal import HeedIR

/// Maps that store along another dimension than they load along, by blocks transposed in registers.
extension PhaseEmitter {
  func emit(_ transposed: TransposedMap) throws {
    let inner = transposed.variables
    let outer = transposed.map.dimensions.filter { !inner.contains($0.variable) }
    try emitLoops(outer[...]) {
      let (rows, columns) = (try uniform(transposed.source.extent), try uniform(transposed.columns.extent))
      // Nothing may be read where there is no point.
      try emitter.branch(if: builder.and(isPositive(rows), isPositive(columns)), name: "any") {
        let range = (start: LinearIndex(0), count: rows)
        try emitBlocks(transposed, side: transposed.lanes / transposed.unit, range, columns)
      }
    }
    for variable in inner { variables[variable] = nil }
  }

  /// Loops over dimensions, the outermost first.
  func emitLoops(_ dimensions: ArraySlice<Dimension>, _ body: () throws -> Void) throws {
    guard let dimension = dimensions.first else { return try body() }
    let extent = emitter.scalar(try uniform(dimension.extent))
    let name = kernel.variables[dimension.variable.index].text
    try emitter.loop(from: emitter.index(0), to: extent, name: name) { position, _ in
      variables[dimension.variable] = LinearIndex(position)
      try emitLoops(dimensions.dropFirst(), body)
      return []
    }
  }

  /// A part of the loads' dimension and all columns by blocks of a side; what they leave by smaller blocks or as any other map.
  private func emitBlocks(
    _ map: TransposedMap, side: Int, _ rows: (start: LinearIndex, count: LinearIndex), _ columns: LinearIndex
  ) throws {
    if let count = rows.count.constant, count < side, side > TransposedMap.leastSide {
      return try emitBlocks(map, side: side / 2, rows, columns)
    }
    let (wholeRows, wholeColumns) = (roundedDown(rows.count, to: side), roundedDown(columns, to: side))
    try begin(map.map.body, Dependence(map.map.body, on: map.variables))
    let invariant = values
    try emitter.loop(from: emitter.index(0), to: wholeRows, step: side, name: "block") { row, _ in
      try emitter.loop(from: emitter.index(0), to: wholeColumns, step: side, name: "block") { column, _ in
        let start = emitter.add(rows.start, LinearIndex(row, multiple: side))
        try emitBlock(map, side, invariant, row: start, column: LinearIndex(column, multiple: side))
        return []
      }
      return []
    }
    (lanes, mask, values) = (1, nil, invariant)
    if columns.knownMultiple % side != 0 {
      let rest = emitter.subtract(columns, LinearIndex(wholeColumns, multiple: side))
      try emitRest(map, (rows.start, LinearIndex(wholeRows, multiple: side)), (LinearIndex(wholeColumns, multiple: side), rest))
    }
    if rows.count.knownMultiple % side == 0 { return }
    let start = emitter.add(rows.start, LinearIndex(wholeRows, multiple: side))
    let rest = emitter.subtract(rows.count, LinearIndex(wholeRows, multiple: side))
    if let count = rest.constant, count >= TransposedMap.leastSide {
      try emitBlocks(map, side: side / 2, (start, rest), columns)
    } else {
      try emitRest(map, (start, rest), (LinearIndex(0), columns))
    }
  }

  /// Points that fill no block.
  private func emitRest(
    _ map: TransposedMap, _ rows: (start: LinearIndex, count: LinearIndex), _ columns: (start: LinearIndex, count: LinearIndex)
  ) throws {
    try emitter.loop(from: emitter.index(0), to: emitter.scalar(rows.count), name: "row") { row, _ in
      variables[map.source.variable] = emitter.add(rows.start, LinearIndex(row))
      guard let pair = map.pair else {
        try emitVectors(map.map.body, over: map.columns.variable, from: columns.start, extent: columns.count)
        return []
      }
      try emitter.loop(from: emitter.index(0), to: emitter.scalar(columns.count), name: "column") { column, _ in
        variables[map.columns.variable] = emitter.add(columns.start, LinearIndex(column))
        try emitVectors(map.map.body, over: pair.variable, extent: LinearIndex(2))
        return []
      }
      return []
    }
  }

  // MARK: Blocks

  /// One block: each transposing load by vectors along its own dimension, transposed; then the body for each of them.
  private func emitBlock(
    _ map: TransposedMap, _ side: Int, _ invariant: [LaneValue?], row: LinearIndex, column: LinearIndex
  ) throws {
    let body = map.map.body
    let lines = try map.loads.map { load in
      (lanes, mask, self.body, values) = (side * map.unit, nil, body, invariant)
      let vectors = try blockLines(map, side, load, row: row, column: column)
      let type = vectors[0].type
      let bits = type.lane.bitCount * map.unit
      let units = vectors.map { builder.bitCast($0, to: emitter.module.context.integer(bits).vector(side)) }
      return emitter.transposed(units).map { builder.bitCast($0, to: type) }
    }
    func emitLine(_ line: LinearIndex, _ loaded: (_ load: Int) -> LLVMValue) throws {
      (lanes, mask, self.body, values) = (side * map.unit, nil, body, invariant)
      variables[map.source.variable] = emitter.add(row, line)
      run(along: map.columns, pair: map.pair, from: column)
      for (number, load) in map.loads.enumerated() {
        let type = body.instructions[load.instruction].type
        values[body.parameters.count + load.instruction] = .varying(inRegister(loaded(number), load.access, as: type))
      }
      try emitBody()
    }
    if isShort(body) {
      for line in 0..<side { try emitLine(LinearIndex(line)) { lines[$0][line] } }
    } else {
      let memory = lines.map { stored($0) }
      try emitter.loop(from: emitter.index(0), to: emitter.index(side), name: "line") { line, _ in
        try emitLine(LinearIndex(line)) { number in
          let type = lines[number][0].type
          return builder.load(type, builder.address(memory[number], line, of: type), alignment: 1)
        }
        return []
      }
    }
  }

  /// The lines of a block as they are loaded: for each column, a vector along the load's dimension, not yet in the form of
  /// registers.
  private func blockLines(
    _ map: TransposedMap, _ side: Int, _ load: (instruction: Int, access: Access), row: LinearIndex, column: LinearIndex
  ) throws -> [LLVMValue] {
    guard case .load(_, let otherwise) = body.instructions[load.instruction].operation else { preconditionFailure("no load") }
    let type = body.instructions[load.instruction].type
    func line(_ number: LinearIndex) throws -> LLVMValue {
      variables[map.columns.variable] = emitter.add(column, number)
      run(along: map.source, pair: map.pair, from: row)
      let value = try loadStored(load.access, as: type, otherwise: otherwise)
      guard case .varying(let vector) = value else { preconditionFailure("a load along a dimension that is the same everywhere") }
      return vector
    }
    func all() throws -> [LLVMValue] { try (0..<side).map { try line(LinearIndex($0)) } }
    guard load.access.isGuarded else { return try all() }
    let corners = try isBlockInside(map, side, load.access, row: row, column: column)
    return try emitter.branch(if: corners, name: "inside") {
      isInside = true
      defer { isInside = false }
      return try all()
    } else: {
      // Line by line into memory and back: seldom run, and short.
      let element = elementType(load.access.place) == type ? emitter.memoryType(type, lanes) : emitter.registerType(type, lanes)
      let memory = emitter.allocateInEntry(element.array(side))
      try emitter.loop(from: emitter.index(0), to: emitter.index(side), name: "line") { number, _ in
        builder.store(try line(LinearIndex(number)), builder.address(memory, number, of: element), alignment: 1)
        return []
      }
      return (0..<side).map { builder.load(element, builder.address(memory, emitter.index($0), of: element), alignment: 1) }
    }
  }

  /// Makes the lanes run along a dimension, or along the elements of its pairs.
  private func run(along dimension: Dimension, pair: Dimension?, from start: LinearIndex) {
    variables[dimension.variable] = start
    var lane = pair == nil ? start : LinearIndex(0)
    lane.step = emitter.index(1)
    variables[(pair ?? dimension).variable] = lane
  }

  /// One bit: whether no guarded index of an access leaves its extent anywhere in a block.
  private func isBlockInside(
    _ map: TransposedMap, _ side: Int, _ access: Access, row: LinearIndex, column: LinearIndex
  ) throws -> LLVMValue {
    let saved = (lanes, mask)
    defer { (lanes, mask) = saved }
    (lanes, mask) = (1, nil)
    var result: LLVMValue?
    for corner in 0..<1 << map.variables.count {
      func end(_ number: Int, _ start: LinearIndex, _ count: Int) -> LinearIndex {
        corner >> number & 1 == 0 ? start : emitter.add(start, LinearIndex(count - 1))
      }
      variables[map.source.variable] = end(0, row, side)
      variables[map.columns.variable] = end(1, column, side)
      if let pair = map.pair { variables[pair.variable] = end(2, LinearIndex(0), 2) }
      // A corner that differs only in what no guarded index mentions is one of those before.
      let differs = map.variables.enumerated().allSatisfy { number, variable in
        corner >> number & 1 == 0 || access.indices.contains { $0.isGuarded && mentions(variable, $0.expression) }
      }
      if differs, let inside = try areGuardsInside(access) { result = result.map { builder.and($0, inside) } ?? inside }
    }
    return result ?? emitter.truth.constant(1)
  }

  /// Vectors in the function's frame, one after another.
  private func stored(_ vectors: [LLVMValue]) -> LLVMValue {
    let type = vectors[0].type
    let memory = emitter.allocateInEntry(type.array(vectors.count))
    for (number, vector) in vectors.enumerated() {
      builder.store(vector, builder.address(memory, emitter.index(number), of: type), alignment: 1)
    }
    return memory
  }

  /// Whether a body has few instructions, so that it may be repeated for each line of a block.
  private func isShort(_ body: Body) -> Bool {
    body.instructions.count <= 6
      && body.instructions.allSatisfy {
        if case .elementwise(let op) = $0.operation { op.scalar?.expansion == nil } else { true }
      }
  }
}

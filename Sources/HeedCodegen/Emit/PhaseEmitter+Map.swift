internal import HeedIR

/// Maps: loops over the outer dimensions, the last one by vectors.
extension PhaseEmitter {
  func emit(_ map: Map) throws {
    if let transposed = try TransposedMap(map, self) { return try emit(transposed) }
    if let interleaved = try InterleavedMap(map, self) { return try emit(interleaved) }
    let extents = try map.dimensions.map { try uniform($0.extent) }
    try emitLoops(map, extents, depth: 0)
  }

  private func emitLoops(_ map: Map, _ extents: [LinearIndex], depth: Int) throws {
    let dimension = map.dimensions[depth]
    guard depth < map.dimensions.count - 1 else {
      return try emitVectors(map.body, over: dimension.variable, extent: extents[depth])
    }
    let name = kernel.variables[dimension.variable.index].text
    let end = emitter.scalar(extents[depth])
    var first = emitter.index(0)
    if depth == map.dimensions.count - 2, let group = rowsAtOnce(map, extents[depth]) {
      let whole = roundedDown(extents[depth], to: group)
      try emitter.loop(from: first, to: whole, step: group, name: name) { position, _ in
        let rows = (0..<group).map { emitter.add(LinearIndex(position, multiple: group), LinearIndex($0)) }
        try emitVectors(
          map.body, over: map.dimensions[depth + 1].variable, extent: extents[depth + 1],
          rows: RowGroup(variable: dimension.variable, positions: rows))
        return []
      }
      if extents[depth].knownMultiple % group == 0 { return }
      first = whole
    }
    try emitter.loop(from: first, to: end, name: name) { position, _ in
      variables[dimension.variable] = LinearIndex(position)
      try emitLoops(map, extents, depth: depth + 1)
      return []
    }
  }

  /// Rows of a map that run together.
  struct RowGroup {
    var variable: VariableID
    var positions: [LinearIndex]
  }

  /// How many rows of a map run together; nil for one by one. Rows that each reduce to a number do, where registers suffice: their
  /// chains of operations overlap, and their lanes are combined in common.
  private func rowsAtOnce(_ map: Map, _ rows: LinearIndex) -> Int? {
    let group = 4
    guard emitter.target.vectorRegisterCount >= 32, rows.constant.map({ $0 >= group }) ?? true,
      map.body.instructions.count <= 16, lanes(for: map.body) >= 2 * group
    else { return nil }
    let inner = Dependence(map.body, on: [map.dimensions.last!.variable])
    return inner.carried.contains(true) ? group : nil
  }

  /// The numbers of lanes that a body runs for, one after the other while as many points are left: several vectors where there are
  /// random bits, then one.
  private func widths(for body: Body) -> [Int] {
    let width = lanes(for: body)
    let hasRandomBits = body.instructions.contains { $0.operation.op == .randomBits }
    return hasRandomBits && randomLanes > width ? [randomLanes, width] : [width]
  }

  /// The number of lanes for a body: that of its widest floats in a vector.
  func lanes(for body: Body) -> Int {
    let types = body.parameters.map(\.type) + body.instructions.map(\.type)
    let hasNarrow = types.contains { $0.byteCount <= 4 && $0 != .bool }
    return emitter.target.lanes(of: types.contains(.f64) || !hasNarrow ? .f64 : .f32)
  }

  /// Runs a body for the points 0 ..< extent of a variable, by vectors.
  ///
  /// What does not change along the variable is computed first. An accumulation into a place that does not change stays in a
  /// register, a partial result a lane, and is combined into the place at the end. The rest of the extent runs under a mask where the
  /// target has that, else point by point.
  ///
  /// - Parameters:
  ///   - start: what the variable begins at.
  ///   - rows: the rows that run together, each with running results of its own; nil for the one that is current.
  ///   - parameters: the values of the body's parameters for the points from a position within the extent on.
  func emitVectors(
    _ body: Body, over variable: VariableID, from start: LinearIndex = LinearIndex(0), extent: LinearIndex,
    rows: RowGroup? = nil, parameters: (_ position: LLVMValue) throws -> [LaneValue] = { _ in [] }
  ) throws {
    let widths = widths(for: body)
    let changes = Dependence(body, on: [variable])
    let rowCount = rows?.positions.count ?? 1
    func enter(row: Int) {
      if let rows { variables[rows.variable] = rows.positions[row] }
    }
    // Nothing may be read where there is no point.
    try emitter.branch(if: isPositive(extent), name: "any") {
      let invariants = try (0..<rowCount).map { row in
        enter(row: row)
        try begin(body, changes)
        return values
      }
      let reductions = body.instructions.indices.filter { changes.carried[$0] }

      /// An iteration for `count` lanes from `first` on; returns the running results, row by row.
      func round(_ first: LLVMValue, lanes count: Int, mask: LLVMValue?, _ running: [LLVMValue]) throws -> [LLVMValue] {
        (lanes, self.mask, self.body) = (count, mask, body)
        variables[variable] = emitter.add(start, LinearIndex(first, multiple: count))
        if count > 1 { variables[variable]!.step = emitter.index(1) }
        var results = running
        for row in 0..<rowCount {
          enter(row: row)
          let given = try parameters(first)
          values = given.map { $0 } + invariants[row].dropFirst(given.count)
          try emitBody(accumulate: { instruction, operand in
            guard let position = reductions.firstIndex(of: instruction) else { return false }
            let slot = row * reductions.count + position
            results[slot] = fold(instruction, results[slot], operand)
            return true
          })
        }
        return results
      }

      var (whole, width) = (emitter.index(0), widths[0])
      var running = (0..<rowCount).flatMap { _ in reductions.map { identity($0, width) } }
      for next in widths {
        let first = whole
        running = running.indices.map { narrowed(reductions[$0 % reductions.count], running[$0], to: next) }
        (whole, width) = (roundedDown(extent, to: next), next)
        running = try emitter.loop(from: first, to: whole, step: width, carrying: running) {
          try round($0, lanes: next, mask: nil, $1)
        }
      }
      if extent.knownMultiple % width != 0 {
        let end = emitter.scalar(extent)
        if emitter.target.has(.maskedAccess) && width > 1 {
          let rest = builder.subtract(end, whole)
          running = try emitter.branch(if: builder.compare(rest, .greater, emitter.index(0)), name: "rest") {
            try round(whole, lanes: width, mask: emitter.firstLanes(rest, width), running)
          } else: {
            running
          }
        } else {
          running = (0..<rowCount).flatMap { row in
            reductions.enumerated().map { reduced($1, [running[row * reductions.count + $0]])[0] }
          }
          running = try emitter.loop(from: whole, to: end, carrying: running) { try round($0, lanes: 1, mask: nil, $1) }
        }
      }
      (lanes, mask) = (1, nil)
      let results = reductions.enumerated().map { position, instruction in
        reduced(instruction, (0..<rowCount).map { running[$0 * reductions.count + position] })
      }
      for row in 0..<rowCount {
        enter(row: row)
        values = invariants[row]
        for (instruction, result) in zip(reductions, results) { try finish(instruction, result[row]) }
      }
    }
    variables[variable] = nil
  }

  /// Starts a body: computes what does not change, as scalars.
  func begin(_ body: Body, _ changes: Dependence) throws {
    self.body = body
    values = Array(repeating: nil, count: body.parameters.count + body.instructions.count)
    (lanes, mask) = (1, nil)
    try emitBody(where: { !changes.instructions[$0] })
  }

  func isPositive(_ extent: LinearIndex) -> LLVMValue {
    if let constant = extent.constant { return emitter.truth.constant(constant > 0 ? 1 : 0) }
    return builder.compare(emitter.scalar(extent), .greater, emitter.index(0))
  }

  /// The greatest multiple of `width`, a power of two, that is not above.
  func roundedDown(_ extent: LinearIndex, to width: Int) -> LLVMValue {
    if let constant = extent.constant { return emitter.index(constant / width * width) }
    let value = emitter.scalar(extent)
    return extent.knownMultiple % width == 0 ? value : builder.and(value, emitter.index(-width))
  }

  // MARK: Running results

  private func accumulation(_ instruction: Int) -> (reduction: Body.Reduction, type: ElementType) {
    guard case .accumulate(let reduction, _) = body.instructions[instruction].operation else {
      preconditionFailure("not an accumulation")
    }
    return (reduction, body.instructions[instruction].type)
  }

  /// The start of a running result: the identity in every lane.
  func identity(_ instruction: Int, _ count: Int) -> LLVMValue {
    let (reduction, type) = accumulation(instruction)
    let scalar = emitter.identity(reduction, type)
    return count == 1 ? scalar : builder.broadcast(scalar, count)
  }

  /// A running result with the operand's lanes combined into it; lanes outside the map are left out.
  func fold(_ instruction: Int, _ running: LLVMValue, _ operand: LaneValue) -> LLVMValue {
    let (reduction, type) = accumulation(instruction)
    let value = register(operand, type)
    let combined = emitter.combine(reduction, running, value, type)
    return mask.map { builder.select($0, combined, running) } ?? combined
  }

  /// A running result of fewer lanes, a power of two: the upper half combined with the lower as often as needed.
  private func narrowed(_ instruction: Int, _ running: LLVMValue, to count: Int) -> LLVMValue {
    let (reduction, type) = accumulation(instruction)
    return emitter.reduce(reduction, running, type, to: count)
  }

  /// Combines a running result, of one lane, into its place; lanes are set to one.
  func finish(_ instruction: Int, _ result: LLVMValue) throws {
    guard case .accumulate(let reduction, let access) = body.instructions[instruction].operation else {
      preconditionFailure("not an accumulation")
    }
    try accumulate(reduction, .uniform(result), of: body.instructions[instruction].type, access)
  }

  /// The lanes of running results, each combined into one.
  func reduced(_ instruction: Int, _ running: [LLVMValue]) -> [LLVMValue] {
    let (reduction, type) = accumulation(instruction)
    return emitter.reduce(reduction, running, type)
  }
}

/// Which instructions of a body change from point to point of some variables.
struct Dependence {
  /// For each instruction, whether its value or effect differs from point to point, or is an effect.
  private(set) var instructions: [Bool] = []
  /// For each instruction, whether it accumulates into a place that does not change.
  private(set) var carried: [Bool] = []

  init(_ body: Body, on variables: [VariableID]) {
    var values = Array(repeating: true, count: body.parameters.count)
    let written = body.instructions.compactMap { instruction -> Place? in
      switch instruction.operation {
      case .store(let access), .accumulate(_, let access): access.place
      default: nil
      }
    }
    func changes(_ expression: IntegerExpression) -> Bool {
      switch expression {
      case .constant, .verdict, .symbol: false
      case .variable(let variable): variables.contains(variable)
      case .value(let value): values[value.index]
      case .load(let access): changesOrWritten(access)
      case .binary(_, let a, let b): changes(a) || changes(b)
      }
    }
    func changes(_ access: Access) -> Bool { access.indices.contains { changes($0.expression) } }
    func changesOrWritten(_ access: Access) -> Bool { written.contains(access.place) || changes(access) }
    for instruction in body.instructions {
      var isCarried = false
      let differs: Bool
      switch instruction.operation {
      case .constant: differs = false
      case .index(let expression): differs = changes(expression)
      case .elementwise: differs = instruction.operands.contains { values[$0.index] }
      case .load(let access, _): differs = changesOrWritten(access)
      case .store: differs = true
      case .accumulate(_, let access):
        differs = true
        isCarried = !changes(access)
      }
      values.append(differs)
      instructions.append(differs)
      carried.append(isCarried)
    }
  }
}

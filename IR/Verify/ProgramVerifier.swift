extension Program: Verifiable {
  /// Checks that the kernels are well formed, and that calls fit them as far as extents can be compared. Checks that nothing is
  /// read before it is written, and that buffers in one slot are never live at once.
  /// - Throws: one line that names the program and what is wrong with it.
  public func verify() throws {
    do {
      var verifier = ProgramVerifier(program: self)
      try verifier.verify()
    } catch let error as HeedError {
      throw error.during("program @\(name.quotedWhereNeeded)")
    }
  }
}

private struct ProgramVerifier {
  let program: Program
  /// The buffers that hold something by now.
  private var written: Set<Int> = []
  private var symbols: Set<Name>
  /// Those that are known at load.
  private let parameterSymbols: Set<Name>
  private let replacedStates: Set<Int>

  init(program: Program) {
    self.program = program
    symbols = Set(program.symbols).union(program.facts.flatMap(\.symbols))
    replacedStates = program.replacedStates
    parameterSymbols = Set(program.buffers.filter { $0.storage == .parameter }.flatMap { $0.type.shape.extents.flatMap(\.symbols) })
  }

  private func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw HeedError(message()) }
  }

  private func name(_ buffer: Int) -> String {
    let name = program.buffers[buffer].name
    return name.isNone ? "buffer \(buffer)" : "%\(name.quotedWhereNeeded)"
  }

  private func bound(_ extent: Extent, _ place: @autoclosure () -> String) throws {
    if let unknown = extent.symbols.first(where: { !symbols.contains($0) }) {
      throw HeedError("\(place()): got the symbol \(unknown), expected one of the inputs' extents")
    }
  }

  // MARK: Program

  mutating func verify() throws {
    try expect(!program.name.isNone, "got a program without a name, expected one")
    for kernel in program.kernels { try kernel.verify() }
    var arguments: Set<Name> = []
    for (position, buffer) in program.buffers.enumerated() {
      try check(buffer, position)
      switch buffer.storage {
      case .input, .parameter, .state:
        try expect(!buffer.name.isNone, "got no name for \(name(position)), expected one: calls pass it by name")
        try expect(arguments.insert(buffer.name).inserted, "got two arguments \(name(position)), expected another name")
        written.insert(position)
      case .constant: written.insert(position)
      case .packed, .slot, .result: break
      }
    }
    for check in program.checks { try self.check(check) }
    for (position, call) in program.load.enumerated() { try check(call, "load call \(position)", isLoad: true) }
    if let mistake = program.mistakeInLoops() { throw HeedError(mistake) }
    try check(program.blocks)
    try checkSlots()
    for result in program.results {
      try expect(
        program.buffers.indices.contains(result.buffer), "got buffer \(result.buffer) returned of \(program.buffers.count)")
      let buffer = program.buffers[result.buffer]
      try expect(buffer.storage == .result, "got \(name(result.buffer)) returned, expected a result buffer")
      try expect(
        written.contains(result.buffer), "got the result \(name(result.buffer)), which no call writes, expected one that does")
    }
  }

  private func check(_ buffer: Program.Buffer, _ position: Int) throws {
    for extent in buffer.type.shape.extents {
      try expect((extent.constant ?? 0) >= 0, "\(name(position)): got the extent \(extent), expected at least 0")
      try bound(extent, name(position))
    }
    switch buffer.storage {
    case .constant(let list):
      try expect(
        buffer.type.shape.count.constant == list.values.count,
        "\(name(position)): got \(list.values.count) values for type \(buffer.type), expected as many as it has elements")
      try expect(
        list.values.allSatisfy { $0.converted(to: buffer.type.element) == $0 },
        "\(name(position)): got a value that is not of type \(buffer.type.element)")
    case .packed:
      try expect(
        buffer.type.shape.extents.allSatisfy { $0.constant != nil },
        "\(name(position)): got type \(buffer.type), expected constant extents of a packed buffer")
    case .slot(let slot): try expect(slot >= 0, "\(name(position)): got slot \(slot), expected at least 0")
    case .input, .parameter, .state, .result: break
    }
  }

  private func check(_ check: Program.Check) throws {
    if case .range(let start, let stop, let extent) = check {
      for extent in [start, stop, extent] { try bound(extent, "a check of a range") }
    }
    let (position, extent): (Int?, Extent) =
      switch check {
      case .offsets(let buffer, let total): (buffer, total)
      case .indices(let buffer, let limit): (buffer, limit)
      case .range(_, _, let extent): (nil, extent)
      }
    guard let position else { return }
    try expect(program.buffers.indices.contains(position), "got a check of buffer \(position) of \(program.buffers.count)")
    let buffer = program.buffers[position]
    try expect(
      buffer.storage == .input && buffer.type.element.isInteger,
      "got a check of \(name(position)), expected an input of integer type")
    try bound(extent, "check of \(name(position))")
    if case .offsets = check {
      try expect(buffer.type.rank == 1, "got offsets \(name(position)) of type \(buffer.type), expected rank 1")
    }
  }

  // MARK: Calls

  private mutating func check(_ blocks: [Program.Block]) throws {
    for block in blocks {
      switch block {
      case .call(let step): try check(program.steps[step], "step \(step)", isLoad: false)
      case .loop(let number, let inner):
        let loop = program.loops[number]
        func place() -> String { "the loop %\(loop.symbol.quotedWhereNeeded)" }
        try bound(loop.end, place())
        if let limit = loop.limit { try bound(limit, place()) }
        try expect(symbols.insert(loop.symbol).inserted, "\(place()): got a symbol that has a value already, expected another")
        try check(inner)
        symbols.remove(loop.symbol)
      }
    }
  }

  private mutating func check(_ call: Program.Call, _ place: String, isLoad: Bool) throws {
    try expect(program.kernels.indices.contains(call.kernel), "\(place): got kernel \(call.kernel) of \(program.kernels.count)")
    let kernel = program.kernels[call.kernel]
    do {
      try expect(
        call.operands.count == kernel.parameters.count, "got \(call.operands.count) operands, expected \(kernel.parameters.count)")
      try expect(call.symbols.count == kernel.symbols.count, "got \(call.symbols.count) symbols, expected \(kernel.symbols.count)")
      let values = Dictionary(uniqueKeysWithValues: zip(kernel.symbols, call.symbols))
      for (symbol, value) in zip(kernel.symbols, call.symbols) {
        try bound(value, "\(symbol)")
        if isLoad, let unknown = value.symbols.first(where: { !parameterSymbols.contains($0) }) {
          throw HeedError("got \(symbol) = \(value) at load, where \(unknown) has no value, expected extents of parameters")
        }
      }
      for (parameter, operand) in zip(kernel.parameters, call.operands) {
        try checkFit(parameter, operand, values)
        try checkUse(parameter, operand, isLoad: isLoad)
      }
      try checkAliases(kernel, call)
      // What a kernel writes is there for the calls after it.
      for (parameter, operand) in zip(kernel.parameters, call.operands) where parameter.role != .input {
        written.insert(operand.buffer)
      }
    } catch let error as HeedError {
      throw error.during("\(place), @\(kernel.name.quotedWhereNeeded)")
    }
  }

  /// Checks that what the parameter spans lies in the buffer, where the extents can be compared.
  private func checkFit(_ parameter: Kernel.Buffer, _ operand: Program.Operand, _ values: [Name: Extent]) throws {
    try expect(program.buffers.indices.contains(operand.buffer), "got buffer \(operand.buffer) of \(program.buffers.count)")
    let buffer = program.buffers[operand.buffer]
    func place() -> String { "%\(parameter.name) = \(name(operand.buffer))" }
    try expect(
      buffer.type.element == parameter.type.element,
      "\(place()): got elements of type \(buffer.type.element), expected \(parameter.type.element)")
    try bound(operand.offset, place())
    try expect((operand.offset.constant ?? 0) >= 0, "\(place()): got the offset \(operand.offset), expected at least 0")
    let extents = parameter.type.shape.extents.map { $0.substituting { values[$0] } }
    let strides = parameter.effectiveStrides.map { $0.substituting { values[$0] } }
    if extents.contains(0) { return }
    let last = zip(extents, strides).reduce(operand.offset) { $0 + ($1.0 - 1) * $1.1 }
    let missing = last + 1 - buffer.type.shape.count
    // Symbols are at least 0: a polynomial of no negative coefficients and a positive constant is positive.
    let isSurelyOutside = missing.terms.allSatisfy { $0.coefficient > 0 } && missing.terms.contains { $0.factors.isEmpty }
    try expect(
      !isSurelyOutside, "\(place()): got \(buffer.type.shape.count) elements, expected at least \(last + 1)")
  }

  private func checkUse(_ parameter: Kernel.Buffer, _ operand: Program.Operand, isLoad: Bool) throws {
    let storage = program.buffers[operand.buffer].storage
    func place() -> String { "%\(parameter.name) = \(name(operand.buffer))" }
    if parameter.role != .output {
      try expect(
        written.contains(operand.buffer),
        "\(place()): got a read of a buffer that no earlier call wrote, expected one that holds something")
    }
    if isLoad {
      switch storage {
      case .state where !replacedStates.contains(operand.buffer), .parameter, .constant, .packed: break
      case .input, .state, .slot, .result:
        throw HeedError(
          "\(place()): got a buffer of a call at load, expected a parameter, a state that no call writes, a constant or a packed buffer"
        )
      }
    }
    guard parameter.role != .input else { return }
    switch storage {
    case .packed: try expect(isLoad, "\(place()): got a write to a packed buffer in a step, expected it at load")
    case .slot, .result, .state: break
    case .input, .parameter, .constant: throw HeedError("\(place()): got a write, expected a slot, result, state or packed buffer")
    }
  }

  /// A buffer that a call writes may be its operand twice only from different elements on.
  private func checkAliases(_ kernel: Kernel, _ call: Program.Call) throws {
    for (position, parameter) in kernel.parameters.enumerated() where parameter.role != .input {
      for other in call.operands.indices where other != position && call.operands[other] == call.operands[position] {
        throw HeedError(
          "got \(name(call.operands[position].buffer)) for %\(parameter.name) and for %\(kernel.buffers[other].name), "
            + "expected another buffer for what is written")
      }
    }
  }

  // MARK: Slots

  private func checkSlots() throws {
    let lives = program.lives
    var owners: [Int: [(buffer: Int, life: ClosedRange<Int>)]] = [:]
    for (position, buffer) in program.buffers.enumerated() {
      guard case .slot(let slot) = buffer.storage, let life = lives[position] else { continue }
      if let other = owners[slot]?.first(where: { $0.life.overlaps(life) }) {
        throw HeedError(
          "got \(name(other.buffer)) and \(name(position)) in slot \(slot), live in steps \(other.life.lowerBound) to \(other.life.upperBound) "
            + "and \(life.lowerBound) to \(life.upperBound), expected buffers that are never live at once")
      }
      owners[slot, default: []].append((position, life))
    }
  }
}

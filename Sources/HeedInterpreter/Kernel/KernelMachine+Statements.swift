import HeedIR

/// Phases and statements.
extension KernelMachine {
  /// Runs a phase for every point of its domain, where its condition holds.
  /// - Parameter number: the phase's number among all that ran, from 1.
  func run(
    _ phase: Kernel.Phase, domain: [DimensionCode], condition: ExpressionCode?, body: [StatementCode], tiles: [Tile], number: UInt64
  ) throws {
    self.tiles = tiles
    let place = "phase @\(phase.name.quotedWhereNeeded)"
    memories.removeLast(memories.count - kernel.buffers.count)
    offsets.removeLast(offsets.count - kernel.buffers.count)
    // What the condition and the extents read no point may write.
    stamps.point = number << 32 | KernelMemory.several
    let extents: [Int]
    do {
      if let condition, try evaluate(condition) == 0 { return }
      extents = try self.extents(domain)
      for tile in tiles {
        memories.append(try KernelMemory(tile.element, count: tile.shape.reduce(1, *), name: "%\(tile.name)"))
        offsets.append(0)
      }
    } catch let error as HeedError {
      throw error.during(place)
    }
    var point: UInt64 = 0
    try forEachPoint(domain, extents) {
      stamps.point = number << 32 | point
      do {
        try run(body)
      } catch let error as HeedError {
        throw error.during(domain.isEmpty ? place : "\(place) at (\(describe(domain)))")
      }
      point += 1
    }
  }

  private func run(_ statements: [StatementCode]) throws {
    for statement in statements { try run(statement) }
  }

  private func run(_ statement: StatementCode) throws {
    switch statement {
    case .tile(let memory, let initial):
      memories[memory].poison()
      do {
        switch initial {
        case nil: break
        case .literal(let literal): try assign(literal, memory, 0)
        case .expression(let value): try assign(Literal(try evaluate(value)), memory, 0)
        }
      } catch let error as HeedError {
        throw error.during("var \(printer.name(.tile(memory - kernel.buffers.count)))")
      }
    case .define(let variable, let value):
      do {
        variables[variable] = try evaluate(value)
      } catch let error as HeedError {
        throw error.during("let \(printer.name(VariableID(variable)))")
      }
    case .assign(let access, let value):
      do {
        try assign(Literal(try evaluate(value)), access.memory, try locate(access)!)
      } catch let error as HeedError {
        throw error.during("set \(printer.text(access.source))")
      }
    case .compute(let body):
      do { try statementRun { try run(body) } } catch let error as HeedError { throw error.during("do") }
    case .loop(let variable, let from, let to, let step, let body):
      let name = "for \(printer.name(VariableID(variable)))"
      let (first, end): (Int, Int)
      do { (first, end) = (try evaluate(from), try evaluate(to)) } catch let error as HeedError { throw error.during(name) }
      var value = first
      while value < end {
        variables[variable] = value
        do { try run(body) } catch let error as HeedError { throw error.during("\(name) = \(value)") }
        let (next, overflow) = value.addingReportingOverflow(step)
        if overflow { return }
        value = next
      }
    case .branch(let condition, let then, let otherwise):
      let isTrue: Bool
      do { isTrue = try evaluate(condition) != 0 } catch let error as HeedError { throw error.during("if") }
      try run(isTrue ? then : otherwise)
    case .cold(let statements): try run(statements)
    case .map(let dimensions, let body):
      do {
        let extents = try extents(dimensions)
        try statementRun {
          try forEachPoint(dimensions, extents) {
            do {
              try run(body)
            } catch let error as HeedError {
              throw error.during("at (\(describe(dimensions)))")
            }
            stamps.round += 1
          }
        }
      } catch let error as HeedError {
        throw error.during("map")
      }
    case .contract(let contraction):
      do { try run(contraction) } catch let error as HeedError { throw error.during("contract") }
    }
  }

  /// The product of an element on the left and one on the right, added for every point of `over`; then the epilogue.
  private func run(_ code: ContractionCode) throws {
    let extents = try extents(code.domain)
    let over = try self.extents(code.over)
    try statementRun {
      try forEachPoint(code.domain, extents) {
        do {
          var sum = try code.initial.map(read) ?? 0
          try forEachPoint(code.over, over) {
            do {
              sum.addProduct(try read(code.left), try read(code.right))
            } catch let error as HeedError {
              throw error.during("over (\(describe(code.over)))")
            }
          }
          reals[0] = code.epilogue.source.parameters[0].type.round(sum)
          try run(code.epilogue)
        } catch let error as HeedError {
          throw error.during("at (\(describe(code.domain)))")
        }
        stamps.round += 1
      }
    }
  }

  /// Stores a number outside of a body, as the place's type.
  private func assign(_ value: Literal, _ memory: Int, _ position: Int) throws {
    try memories[memory].recordWrite(position, stamps)
    memories[memory][position] = ScalarSemantics.convert(value, to: memories[memory].element)
  }

  private func read(_ access: AccessCode) throws -> Double {
    let position = try locate(access)!
    let memory = memories[access.memory]
    do { try memory.recordRead(position, stamps) } catch let error as HeedError { throw error.during(printer.text(access.source)) }
    return memory.element.isFloat ? memory.reals[position] : Double(memory[position].integer)
  }
}

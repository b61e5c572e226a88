public import HeedIR

/// Runs programs by their definition: every call through the kernel evaluator.
///
/// Slots are used as the program says: a slot holds one buffer at a time, and what it held before becomes undefined. So a plan in
/// which two live buffers share a slot is detected.
public enum ProgramEvaluator {
  /// The program's results under their names, in order, then what its states hold afterwards under theirs.
  ///
  /// - Parameters:
  ///   - inputs: an array for each input, parameter and state, by name.
  /// - Throws: where an input is missing, unknown, of another type or of extents that do not fit; where a fact or check does not
  ///   hold; at the first thing that a kernel does wrong. The error says which call, which statement and why.
  public static func evaluate(
    _ program: Verified<Program>, inputs: [Name: ReferenceArray]
  ) throws -> [(name: Name, array: ReferenceArray)] {
    var run = try ProgramRun(program.ir, inputs)
    for (position, call) in program.ir.load.enumerated() { try run.run(call, "load call \(position)") }
    try run.run(program.ir.blocks)
    let states = program.ir.buffers.indices.filter { program.ir.buffers[$0].storage == .state }
    return try program.ir.results.map { ($0.name, try run.array(of: $0.buffer)) }
      + states.map { (program.ir.buffers[$0].name, try run.array(of: $0)) }
  }
}

/// The memory of one call of a program.
private struct ProgramRun {
  let program: Program
  private(set) var symbols: [Name: Int]
  private var memories: [KernelMemory] = []
  /// The buffer that a slot holds.
  private var owners: [Int: Int] = [:]

  init(_ program: Program, _ inputs: [Name: ReferenceArray]) throws {
    self.program = program
    symbols = try Self.bind(program, inputs)
    for check in program.checks { try check.verify(program, inputs, symbols) }
    for (position, buffer) in program.buffers.enumerated() {
      let name = buffer.name.isNone ? "buffer \(position)" : "%\(buffer.name.quotedWhereNeeded)"
      let shape = try buffer.type.shape.evaluate { [symbols] in symbols[$0] }
      switch buffer.storage {
      case .input, .parameter, .state: memories.append(try KernelMemory(inputs[buffer.name]!, name: name))
      case .constant(let list):
        var array = ReferenceArray(buffer.type.element, shape)
        for (element, value) in list.values.enumerated() { array[element] = value }
        memories.append(try KernelMemory(array, name: name))
      case .packed, .slot, .result:
        memories.append(try KernelMemory(buffer.type.element, count: try Shape.elementCount(of: shape), name: name))
      }
    }
  }

  private static func bind(_ program: Program, _ inputs: [Name: ReferenceArray]) throws -> [Name: Int] {
    var arguments: [SymbolBinding.Argument] = []
    for buffer in program.buffers where buffer.storage.isArgument {
      guard let input = inputs[buffer.name] else {
        throw HeedError("got no input %\(buffer.name), expected one of type \(buffer.type)")
      }
      guard input.element == buffer.type.element else {
        throw HeedError("%\(buffer.name): got the element type \(input.element), expected \(buffer.type.element)")
      }
      arguments.append((buffer.name, buffer.type.shape, input.shape))
    }
    if let unknown = inputs.keys.filter({ name in !arguments.contains { $0.name == name } }).min(by: { $0.text < $1.text }) {
      throw HeedError("got an input %\(unknown), expected \(arguments.map { "%\($0.name)" }.joined(separator: ", "))")
    }
    return try SymbolBinding.solve(arguments, facts: program.facts)
  }

  // MARK: Calls

  mutating func run(_ blocks: [Program.Block]) throws {
    for block in blocks {
      switch block {
      case .call(let step): try run(program.steps[step], "step \(step)")
      case .loop(let number, let inner):
        let loop = program.loops[number]
        func value(_ extent: Extent) throws -> Int { try extent.evaluate { symbols[$0] } }
        let count = Program.Loop.count(end: try value(loop.end), limit: try loop.limit.map(value))
        for position in loop.isReversed ? Array((0..<count).reversed()) : Array(0..<count) {
          symbols[loop.symbol] = position
          try run(inner)
        }
        symbols[loop.symbol] = nil
      }
    }
  }

  mutating func run(_ call: Program.Call, _ place: String) throws {
    let kernel = program.kernels[call.kernel]
    do {
      var values: [Name: Int] = [:]
      for (symbol, extent) in zip(kernel.symbols, call.symbols) { values[symbol] = try extent.evaluate { symbols[$0] } }
      try claimSlots(kernel, call)
      var operands: [KernelEvaluator.Operand] = []
      for operand in call.operands {
        operands.append(
          KernelEvaluator.Operand(memory: memories[operand.buffer], offset: try operand.offset.evaluate { symbols[$0] }))
      }
      try KernelEvaluator.run(kernel, operands, symbols: values)
    } catch let error as HeedError {
      throw error.during("\(place), @\(kernel.name.quotedWhereNeeded)")
    }
  }

  /// Assigns slots to the buffers that the call names. A buffer that is written takes its slot, and what the slot held becomes
  /// undefined.
  private mutating func claimSlots(_ kernel: Kernel, _ call: Program.Call) throws {
    var named: [Int: Int] = [:]
    for (parameter, operand) in zip(kernel.parameters, call.operands) {
      guard case .slot(let slot) = program.buffers[operand.buffer].storage else { continue }
      if let other = named.updateValue(operand.buffer, forKey: slot), other != operand.buffer {
        throw HeedError("got \(memories[other].name) and \(memories[operand.buffer].name), which share slot \(slot)")
      }
      guard owners[slot] != operand.buffer else { continue }
      guard parameter.role == .output else {
        let holder = owners[slot].map { memories[$0].name } ?? "nothing"
        throw HeedError("got a read of \(memories[operand.buffer].name), whose slot \(slot) holds \(holder) by now")
      }
      memories[operand.buffer].poison()
      owners[slot] = operand.buffer
    }
  }

  func array(of buffer: Int) throws -> ReferenceArray {
    let shape = try program.buffers[buffer].type.shape.evaluate { symbols[$0] }
    return try memories[buffer].array(shape, strides: KernelTranslator.rowMajorStrides(shape), offset: 0)
  }
}

extension Program.Check {
  /// - Throws: where an input's numbers are not what the check demands.
  fileprivate func verify(_ program: Program, _ inputs: [Name: ReferenceArray], _ symbols: [Name: Int]) throws {
    switch self {
    case .offsets(let buffer, let total):
      let name = program.buffers[buffer].name
      let (offsets, rows) = (inputs[name]!.integers, try total.evaluate { symbols[$0] })
      guard offsets.first == 0, offsets.last == Int64(rows), zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 }) else {
        throw HeedError("%\(name): got offsets that do not start at 0, rise and end at \(total) = \(rows)")
      }
    case .indices(let buffer, let limit):
      let name = program.buffers[buffer].name
      let bound = try limit.evaluate { symbols[$0] }
      if let position = inputs[name]!.integers.firstIndex(where: { $0 < 0 || $0 >= bound }) {
        throw HeedError("%\(name): got \(inputs[name]!.integers[position]) at position \(position), expected 0 to \(bound - 1)")
      }
    case .range: try verifyExtents(symbols)
    }
  }
}

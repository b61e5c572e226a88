import HeedIR

/// Runs translated phases: the state of one kernel's evaluation.
final class KernelMachine {
  let kernel: Kernel
  /// The buffers, then the tiles of the phase.
  var memories: [KernelMemory]
  /// Where each begins in its memory.
  var offsets: [Int]

  // The frame: values of variables, of the body in hand, and of expressions under way.
  let variables: UnsafeMutablePointer<Int>
  let reals: UnsafeMutablePointer<Double>
  let integers: UnsafeMutablePointer<Int64>
  private let stack: UnsafeMutablePointer<Int>
  private var top = 0
  private let stackCapacity = 1 << 14

  /// Who runs: for the record of reads and writes.
  var stamps = Stamps()
  private var statementRuns: UInt64 = 0
  /// Elements that the statement in hand accumulates in, unrounded until it ends.
  private var accumulated: [(memory: KernelMemory, position: Int)] = []

  init(kernel: Kernel, memories: [KernelMemory], offsets: [Int], largestBody: Int) {
    (self.kernel, self.memories, self.offsets) = (kernel, memories, offsets)
    variables = .allocate(capacity: kernel.variables.count)
    variables.initialize(repeating: 0, count: kernel.variables.count)
    reals = .allocate(capacity: largestBody)
    reals.initialize(repeating: 0, count: largestBody)
    integers = .allocate(capacity: largestBody)
    integers.initialize(repeating: 0, count: largestBody)
    stack = .allocate(capacity: stackCapacity)
  }

  deinit {
    variables.deallocate()
    reals.deallocate()
    integers.deallocate()
    stack.deallocate()
  }

  // MARK: Messages

  var printer: KernelPrinter {
    var printer = KernelPrinter(describing: kernel, tiles: tiles)
    if let body { printer.describe(body.source) }
    return printer
  }
  /// The body in hand, for messages.
  private var body: BodyCode?
  /// The tiles of the phase in hand, for messages.
  var tiles: [Tile] = []

  func describe(_ dimensions: [DimensionCode]) -> String {
    dimensions.map { "\(printer.name(VariableID($0.variable))) = \(variables[$0.variable])" }.joined(separator: ", ")
  }

  // MARK: Expressions

  func evaluate(_ code: ExpressionCode) throws -> Int {
    if let constant = code.constant { return constant }
    if let linear = code.linear {
      var sum = linear.constant
      var isSmall = true
      for (variable, factor) in linear.terms {
        let value = variables[variable]
        guard value < AffineExpression.limit, value > -AffineExpression.limit else {
          isSmall = false
          break
        }
        sum += value * factor
      }
      if isSmall { return sum }
    }
    let base = top
    defer { top = base }
    for node in code.nodes {
      switch node {
      case .constant(let value): stack[top] = value
      case .variable(let variable): stack[top] = variables[variable]
      case .value(let value): stack[top] = Int(integers[value])
      case .load(let load):
        let access = code.loads[load]
        let position = try locate(access)!
        let memory = memories[access.memory]
        do { try memory.recordRead(position, stamps) } catch let error as HeedError {
          throw error.during(printer.text(access.source))
        }
        stack[top] = Int(memory.integers[position])
      case .binary(let op):
        let (a, b) = (stack[top - 2], stack[top - 1])
        guard let result = op.apply(a, b) else { throw undefined(op, a, b, code) }
        top -= 2
        stack[top] = result
      }
      top += 1
      precondition(top < stackCapacity, "expressions nested deeper than the evaluator's stack")
    }
    return stack[top - 1]
  }

  private func undefined(_ op: IntegerExpression.Operator, _ a: Int, _ b: Int, _ code: ExpressionCode) -> HeedError {
    let whole = printer.text(code.source)
    switch op {
    case .divide, .remainder: return HeedError("got division of \(a) by \(b) in \(whole), expected a divisor of at least 1")
    case .shiftLeft, .shiftRight: return HeedError("got a shift of \(a) by \(b) in \(whole), expected a count of 0 to 63")
    default: return HeedError("got \(a) \(op.rawValue) \(b) in \(whole), which leaves 64 bits")
    }
  }

  /// The extents of a box, those below 0 taken as 0.
  func extents(_ dimensions: [DimensionCode]) throws -> [Int] { try dimensions.map { max(0, try evaluate($0.extent)) } }

  /// The position of an access in its memory; nil where a guarded index is outside.
  /// - Throws: where an index without a guard is outside, and the access happens.
  func locate(_ access: AccessCode) throws -> Int? {
    if access.isLinear {
      let position = access.linearPosition(variables, rank: access.rank)
      if position >= 0 { return offsets[access.memory] + position }
    }
    var position = offsets[access.memory]
    var isOutside = false
    var wrong = -1
    for dimension in 0..<access.indices.count {
      let index = try evaluate(access.indices[dimension])
      if index >= 0 && index < access.extents[dimension] {
        position += index * access.strides[dimension]
      } else if access.isGuarded[dimension] {
        isOutside = true
      } else if wrong < 0 {
        wrong = dimension
      }
    }
    if isOutside { return nil }
    if wrong >= 0 {
      let index = try evaluate(access.indices[wrong])
      throw HeedError(
        "\(printer.text(access.source)): got the index \(index) in dimension \(wrong), expected 0 to \(access.extents[wrong] - 1)")
    }
    return position
  }

  // MARK: Bodies

  func run(_ body: BodyCode) throws {
    self.body = body
    defer { self.body = nil }
    var result = body.parameterCount
    for instruction in body.instructions {
      do {
        try run(instruction, result)
      } catch let error as HeedError {
        throw error.during(printer.text(body.source.instructions[result - body.parameterCount]))
      }
      result += 1
    }
  }

  private func set(_ result: Int, _ value: Literal) {
    if value.isReal { reals[result] = value.real } else { integers[result] = value.integer }
  }

  /// The result of a rule for integers as a value of the type; of a bool the lowest bit counts.
  @inline(__always) private static func wrapped(_ value: Int64, _ type: ElementType) -> Int64 {
    type == .bool ? value & 1 : type.wrap(value)
  }

  @inline(__always) private func run(_ instruction: BodyCode.Instruction, _ result: Int) throws {
    let (a, b, c) = (instruction.a, instruction.b, instruction.c)
    switch instruction.operation {
    case .constant(let literal): set(result, literal)
    case .index(let expression): integers[result] = instruction.type.wrap(Int64(try evaluate(expression)))
    case .unaryReal(let apply): reals[result] = instruction.type.round(apply(reals[a]))
    case .unaryInteger(let apply): integers[result] = Self.wrapped(apply(integers[a]), instruction.type)
    case .binaryReal(let apply): reals[result] = instruction.type.round(apply(reals[a], reals[b]))
    case .binaryInteger(let apply): integers[result] = Self.wrapped(apply(integers[a], integers[b]), instruction.type)
    case .ternaryReal(let apply):
      reals[result] = instruction.type.round(apply(reals[a], reals[b], reals[c], instruction.type))
    case .compareReal(let apply): integers[result] = apply(reals[a], reals[b]) ? 1 : 0
    case .compareInteger(let apply): integers[result] = apply(integers[a], integers[b]) ? 1 : 0
    case .select:
      let chosen = integers[a] != 0 ? b : c
      if instruction.type.isFloat { reals[result] = reals[chosen] } else { integers[result] = integers[chosen] }
    case .randomBits(let word): integers[result] = word(integers[a], integers[b], integers[c])
    case .general(let scalar):
      set(result, scalar.apply([value(a, instruction.operandType)], types: [instruction.operandType], result: instruction.type))
    case .load(let access, let otherwise):
      guard let position = try locate(access) else { return set(result, otherwise) }
      let memory = memories[access.memory]
      try memory.recordRead(position, stamps)
      if memory.element == instruction.type {
        if memory.element.isFloat { reals[result] = memory.reals[position] } else { integers[result] = memory.integers[position] }
      } else {
        set(result, ScalarSemantics.convert(memory[position], to: instruction.type))
      }
    case .store(let access):
      guard let position = try locate(access) else { return }
      let memory = memories[access.memory]
      try memory.recordWrite(position, stamps)
      if memory.element.isFloat && instruction.operandType.isFloat {
        memory.reals[position] = memory.element.round(reals[a])
      } else {
        memory[position] = ScalarSemantics.convert(value(a, instruction.operandType), to: memory.element)
      }
    case .accumulate(let reduction, let access):
      guard let position = try locate(access) else { return }
      let memory = memories[access.memory]
      if try memory.recordAccumulation(position, stamps), memory.element.isFloat { accumulated.append((memory, position)) }
      if memory.element.isFloat {
        memory.reals[position] = reduction.apply(memory.reals[position], reals[a])
      } else {
        memory.integers[position] = memory.element.wrap(reduction.apply(memory.integers[position], integers[a]))
      }
    }
  }

  private func value(_ index: Int, _ type: ElementType) -> Literal {
    type.isFloat ? Literal(reals[index]) : Literal(integers[index])
  }

  // MARK: Boxes

  /// Executes a map or contraction, then rounds what it accumulated.
  func statementRun(_ run: () throws -> Void) rethrows {
    statementRuns += 1
    stamps.round = statementRuns << 32
    try run()
    stamps.round = 0
    for (memory, position) in accumulated { memory.reals[position] = memory.element.round(memory.reals[position]) }
    accumulated.removeAll(keepingCapacity: true)
  }

  /// Sets the variables to every point of a box, the last running fastest.
  func forEachPoint(_ dimensions: [DimensionCode], _ extents: [Int], _ body: () throws -> Void) rethrows {
    guard !extents.contains(0) else { return }
    for dimension in dimensions { variables[dimension.variable] = 0 }
    while true {
      try body()
      var position = dimensions.count - 1
      while position >= 0 {
        let variable = dimensions[position].variable
        variables[variable] += 1
        if variables[variable] < extents[position] { break }
        variables[variable] = 0
        position -= 1
      }
      if position < 0 { return }
    }
  }
}

extension Body.Reduction {
  func apply(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .multiply: a * b
    case .minimum: a < b ? a : b
    case .maximum: a > b ? a : b
    }
  }

  func apply(_ a: Int64, _ b: Int64) -> Int64 {
    switch self {
    case .add: a &+ b
    case .multiply: a &* b
    case .minimum: min(a, b)
    case .maximum: max(a, b)
    }
  }
}

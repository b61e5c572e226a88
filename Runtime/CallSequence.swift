internal import HeedIR

/// Kernel calls that run one after the other, with everything about them that does not depend on a call's lengths.
struct CallSequence: Sendable {
  /// A buffer's memory that a call's lengths decide.
  struct BufferSize: Sendable {
    let buffer: Int
    let name: Name
    let elementByteCount: Int
    let count: Int
    let extents: [Int]
  }

  struct Operand: Sendable {
    let buffer: Int
    let elementByteCount: Int
    /// In elements, from the start of the buffer.
    let offset: Int
    /// The number of elements that the kernel sees, and the greatest offset of one from the first.
    let count: Int
    let last: Int
    let bufferCount: Int
  }

  struct Step: Sendable {
    let kernel: Int
    let name: Name
    let op: Op?
    let operands: [Operand]
    let symbols: [Int]
    /// The kernel's own workspaces: the bytes of an element, the number of elements, the greatest offset of one.
    let workspaces: [(elementByteCount: Int, count: Int, last: Int)]
    let flops: Int
    let bytes: Int
    /// The operands that the kernel writes.
    let written: [Int]
    /// The operands whose offsets, and the symbols whose values, change from one number of a loop to the next.
    let varyingOperands: [Int]
    let varyingSymbols: [Int]
  }

  /// What runs once per number of a loop.
  struct Loop: Sendable {
    /// The position of the loop's symbol among those of the table.
    let symbol: Int
    let end: Int
    let limit: Int?
    let isReversed: Bool
    /// The extents that mention the symbol.
    let varying: [Int]
  }

  private(set) var table = ExtentTable()
  private(set) var steps: [Step] = []
  private(set) var loops: [Loop] = []
  /// The steps and loops as they lie inside each other.
  let blocks: [Program.Block]
  /// The buffers of the program that this sequence allocates: intermediates, with the first and the last step during which they are live, and
  /// results, or packed parameters.
  private(set) var slots: [(size: BufferSize, life: ClosedRange<Int>)] = []
  private(set) var results: [BufferSize] = []
  private(set) var packed: [BufferSize] = []

  /// - Parameter isLoad: whether `calls` are some of those whose results are kept from call to call.
  init(_ program: Program, _ calls: [Program.Call], isLoad: Bool) {
    blocks = isLoad ? calls.indices.map(Program.Block.call) : program.blocks
    let numbers = Set(isLoad ? [] : program.loops.map(\.symbol))
    func varies(_ extent: Extent) -> Bool { !numbers.isEmpty && extent.symbols.contains(where: numbers.contains) }
    let lives = isLoad ? [:] : program.lives
    let counts = program.buffers.map(\.type.shape.count)
    let written = Set(
      calls.flatMap { call in
        zip(program.kernels[call.kernel].parameters, call.operands).filter { $0.0.role != .input }.map(\.1.buffer)
      })
    for (position, buffer) in program.buffers.enumerated() {
      switch buffer.storage {
      case .input, .parameter, .state, .constant: break
      case .slot: if !isLoad, let life = lives[position] { slots.append((size(position, buffer), life)) }
      case .result: if !isLoad { results.append(size(position, buffer)) }
      case .packed: if isLoad, written.contains(position) { packed.append(size(position, buffer)) }
      }
    }
    for call in calls {
      let kernel = program.kernels[call.kernel]
      let names = kernel.symbols
      let values = Dictionary(zip(names, call.symbols), uniquingKeysWith: { first, _ in first })
      let operands = zip(kernel.parameters, call.operands).map { parameter, operand in
        let buffer = program.buffers[operand.buffer]
        if isLoad {
          precondition(buffer.storage.isFixed || buffer.storage == .state, "@\(kernel.name): %\(buffer.name) is not there at load")
        }
        let (count, last) = span(parameter, values)
        return Operand(
          buffer: operand.buffer, elementByteCount: buffer.type.element.byteCount, offset: table.add(operand.offset), count: count,
          last: last, bufferCount: table.add(counts[operand.buffer]))
      }
      let workspaces = kernel.buffers[kernel.parameters.count...].map { workspace in
        let (count, last) = span(workspace, values)
        return (workspace.type.element.byteCount, count, last)
      }
      steps.append(
        Step(
          kernel: call.kernel, name: kernel.name, op: call.op, operands: operands, symbols: call.symbols.map { table.add($0) },
          workspaces: workspaces, flops: table.add(call.cost.flops), bytes: table.add(call.cost.bytes),
          written: operands.indices.filter { kernel.buffers[$0].role != .input },
          varyingOperands: call.operands.indices.filter { varies(call.operands[$0].offset) },
          varyingSymbols: call.symbols.indices.filter { varies(call.symbols[$0]) }))
    }
    guard !isLoad else { return }
    let ends = program.loops.map { (table.add($0.end), $0.limit.map { table.add($0) }) }
    for (loop, end) in zip(program.loops, ends) {
      _ = table.add(Extent(symbol: loop.symbol))
      loops.append(
        Loop(
          symbol: table.symbols.firstIndex(of: loop.symbol)!, end: end.0, limit: end.1, isReversed: loop.isReversed,
          varying: table.positions(mentioning: [loop.symbol])))
    }
  }

  /// The buffers that the calls name.
  var read: Set<Int> { Set(steps.flatMap { $0.operands.map(\.buffer) }) }

  private mutating func size(_ position: Int, _ buffer: Program.Buffer) -> BufferSize {
    BufferSize(
      buffer: position, name: buffer.name, elementByteCount: buffer.type.element.byteCount,
      count: table.add(buffer.type.shape.count), extents: buffer.type.shape.extents.map { table.add($0) })
  }

  /// The number of elements of a kernel's buffer and the offset of the last one, in the program's symbols.
  private mutating func span(_ buffer: Kernel.Buffer, _ values: [Name: Extent]) -> (count: Int, last: Int) {
    let extents = buffer.type.shape.extents.map { $0.substituting { values[$0] } }
    let strides = buffer.strides.map { $0.extents.map { $0.substituting { values[$0] } } } ?? Shape(extents).rowMajorStrides
    let last = zip(extents, strides).reduce(Extent(0)) { $0 + ($1.0 - 1) * $1.1 }
    return (table.add(Shape(extents).count), table.add(last))
  }
}

extension Program.Buffer.Storage {
  /// Whether the memory is the same at every call of a loaded program.
  var isFixed: Bool {
    switch self {
    case .parameter, .constant, .packed: true
    case .input, .state, .slot, .result: false
    }
  }
}

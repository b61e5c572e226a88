internal import HeedIR

/// A call sequence for known lengths: every address as an offset from the start of its buffer or workspace, and every symbol's
/// value.
struct CallPlan: Sendable {
  struct Step: Sendable {
    /// For each operand the bytes from the start of its buffer.
    var operandOffsets: [Int]
    /// For each of the kernel's workspaces the bytes from the start of the call's workspace.
    var workspaceOffsets: [Int]
    var symbols: [Int64]
    var flops: Int
    var bytes: Int
    /// Whether nothing that the kernel writes has an element, so that it need not run.
    var isEmpty: Bool
  }

  /// The values of the sequence's symbols that the plan is for.
  let symbolValues: [Int]
  /// The bytes of the workspace: intermediate buffers and the kernels' own, which share memory where they are not in use at once.
  private(set) var workspaceByteCount = 0
  /// For each step the bytes of the kernel's own workspaces.
  private(set) var ownByteCounts: [Int] = []
  /// For each intermediate buffer the bytes from the start of the workspace, and how many it takes.
  private(set) var slotOffsets: [(buffer: Int, offset: Int, byteCount: Int)] = []
  /// What results and packed buffers take.
  private(set) var allocations: [(buffer: Int, shape: [Int], byteCount: Int)] = []
  private(set) var steps: [Step] = []
  /// The values of the sequence's extents, where it has loops.
  private var values: [Int] = []
  private var numbers: [Int] = []

  /// - Throws: where an extent is negative or a size leaves 64 bits.
  init(_ sequence: CallSequence, _ binding: [Name: Int]) throws {
    symbolValues = try Self.symbolValues(sequence, binding)
    let values = try sequence.table.evaluate(symbolValues)
    for size in sequence.results + sequence.packed {
      allocations.append((size.buffer, size.extents.map { values[$0] }, try Self.byteCount(size, values)))
    }

    let byteCounts = try sequence.slots.map { try Self.byteCount($0.size, values) }
    var blocks = try zip(sequence.slots, byteCounts).map { slot, byteCount in
      WorkspaceLayout.Block(byteCount: try Self.aligned(byteCount) + AddressChecks.gap, life: slot.life)
    }
    // A step's own workspaces are one block that it alone uses.
    var ownOffsets: [[Int]] = []
    for (position, step) in sequence.steps.enumerated() {
      var end = 0
      ownOffsets.append(
        try step.workspaces.map { workspace in
          let start = end
          let count = values[workspace.count] == 0 ? 0 : try Self.sum(values[workspace.last], 1)
          end = try Self.sum(end, try Self.aligned(try Self.product(count, workspace.elementByteCount)) + AddressChecks.gap)
          return start
        })
      blocks.append(WorkspaceLayout.Block(byteCount: end, life: position...position))
    }
    let layout = try WorkspaceLayout(blocks)
    workspaceByteCount = layout.byteCount
    slotOffsets = sequence.slots.indices.map { (sequence.slots[$0].size.buffer, layout.offsets[$0], byteCounts[$0]) }
    ownByteCounts = blocks[sequence.slots.count...].map(\.byteCount)

    for (position, step) in sequence.steps.enumerated() {
      let own = layout.offsets[sequence.slots.count + position]
      steps.append(
        Step(
          operandOffsets: try step.operands.enumerated().map { position, operand in
            step.varyingOperands.contains(position) ? 0 : try Self.byteOffset(operand, step, values)
          }, workspaceOffsets: ownOffsets[position].map { own + $0 },
          symbols: step.symbols.map { Int64(values[$0]) }, flops: values[step.flops],
          bytes: min(values[step.bytes], Self.touchedByteCount(step, values)),
          isEmpty: !step.written.isEmpty && step.written.allSatisfy { values[step.operands[$0].count] == 0 }))
    }
    if !sequence.loops.isEmpty { (self.values, numbers) = (values, symbolValues) }
  }

  /// The bytes of the workspace that a step may touch: the intermediate buffers among its operands, and the kernel's own.
  func workspaceRanges(ofStep position: Int, _ sequence: CallSequence) -> [Range<Int>] {
    let operands = Set(sequence.steps[position].operands.map(\.buffer))
    let slots = slotOffsets.filter { operands.contains($0.buffer) }.map { $0.offset..<$0.offset + $0.byteCount }
    let starts = steps[position].workspaceOffsets
    guard let first = starts.first else { return slots }
    let ends = starts.dropFirst() + [first + ownByteCounts[position]]
    return slots + zip(starts, ends).map { $0..<$1 - AddressChecks.gap }
  }

  /// How often what a loop repeats runs.
  func count(_ loop: CallSequence.Loop) -> Int {
    Program.Loop.count(end: values[loop.end], limit: loop.limit.map { values[$0] })
  }

  /// Gives a loop its next number.
  /// - Parameter steps: the steps that the loop repeats, without those of loops inside.
  mutating func move(_ loop: CallSequence.Loop, to number: Int, _ sequence: CallSequence, steps: [Int]) throws {
    numbers[loop.symbol] = number
    try sequence.table.update(&values, at: loop.varying, numbers)
    for position in steps {
      let step = sequence.steps[position]
      for operand in step.varyingOperands {
        self.steps[position].operandOffsets[operand] = try Self.byteOffset(step.operands[operand], step, values)
      }
      for symbol in step.varyingSymbols { self.steps[position].symbols[symbol] = Int64(values[step.symbols[symbol]]) }
    }
  }

  static func symbolValues(_ sequence: CallSequence, _ binding: [Name: Int]) throws -> [Int] {
    let numbers = sequence.loops.map(\.symbol)
    return try sequence.table.symbols.enumerated().map { position, symbol in
      if numbers.contains(position) { return 0 }
      guard let value = binding[symbol] else {
        throw HeedError("the symbol \(symbol) has no value: no argument's extents determine it")
      }
      return value
    }
  }

  private static func byteCount(_ size: CallSequence.BufferSize, _ values: [Int]) throws -> Int {
    guard size.extents.allSatisfy({ values[$0] >= 0 }) else {
      throw negativeExtent(size.name, size.extents.map { values[$0] })
    }
    return try product(values[size.count], size.elementByteCount)
  }

  /// The bytes that a step's operands hold. A graph counts what is repeated along a dimension, such as a bias or the keys of grouped
  /// heads, as often as it is repeated; in memory it is there once.
  private static func touchedByteCount(_ step: CallSequence.Step, _ values: [Int]) -> Int {
    step.operands.reduce(0) { sum, operand in
      let count = values[operand.count] == 0 ? 0 : min(values[operand.count], values[operand.last] + 1)
      return sum + count * operand.elementByteCount
    }
  }

  /// Where an operand starts, once it is sure that all the kernel may touch lies in the buffer.
  private static func byteOffset(_ operand: CallSequence.Operand, _ step: CallSequence.Step, _ values: [Int]) throws -> Int {
    let offset = values[operand.offset]
    guard values[operand.count] > 0 else { return 0 }
    let end = try sum(try sum(offset, values[operand.last]), 1)
    precondition(
      offset >= 0 && values[operand.last] >= 0 && end <= values[operand.bufferCount],
      "@\(step.name) sees elements up to \(end) of a buffer of \(values[operand.bufferCount])")
    return try product(offset, operand.elementByteCount)
  }

  /// The bytes that a call allocates unless it reuses what an earlier one did: results and the workspace.
  func newByteCount() throws -> Int { try Self.sum(allocations.map(\.byteCount) + [workspaceByteCount]) }

  /// - Throws: where the sum leaves 64 bits.
  static func sum(_ counts: [Int]) throws -> Int { try counts.reduce(0, sum) }

  /// - Throws: where the product leaves 64 bits, an extent of 0 counted last.
  static func product(_ factors: [Int]) throws -> Int { factors.contains(0) ? 0 : try factors.reduce(1, product) }

  private static func sum(_ a: Int, _ b: Int) throws -> Int {
    let (value, overflow) = a.addingReportingOverflow(b)
    guard !overflow else { throw tooLarge }
    return value
  }

  private static func product(_ a: Int, _ b: Int) throws -> Int {
    let (value, overflow) = a.multipliedReportingOverflow(by: b)
    guard !overflow, value >= 0 else { throw tooLarge }
    return value
  }

  /// Up to the next multiple of a cache line.
  private static func aligned(_ byteCount: Int) throws -> Int { try sum(byteCount, 63) & ~63 }

  static func negativeExtent(_ name: Name, _ shape: [Int]) -> HeedError {
    HeedError("%\(name) would have the shape \(shape), expected extents of at least 0")
  }

  static var tooLarge: HeedError { HeedError("the lengths of this call make buffers of more bytes than 63 bits count") }
}

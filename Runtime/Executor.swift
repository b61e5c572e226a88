package import HeedArrays
package import HeedIR

/// A program with the compiled code of its kernels: what can be loaded with parameters and then called.
package final class Executor: Sendable {
  package let program: Program
  private let pool: ThreadPool
  let kernels: [KernelCode]
  let steps: CallSequence
  let inputs: ArgumentTable
  let states: ArgumentTable
  /// The buffers of states that a call writes.
  let replacedStates: Set<Int>
  /// The calls that compute what is kept of states that no call writes, and the buffers of these.
  let refreshing: CallSequence
  let refreshingStates: Set<Int>
  private let loading: CallSequence
  /// The bytes of scratch that a thread needs for any kernel.
  private let scratchByteCount: Int
  private let parameters: ArgumentTable
  private let codeOwner: any Sendable
  /// The most bytes that a call, or loading, may take; nil for what the system has.
  let memoryLimit: Int?

  /// - Parameters:
  ///   - code: for each of the program's kernels, in order.
  ///   - codeOwner: keeps the code in memory.
  ///   - memoryLimit: the most bytes that a call, or loading, may take; nil for what the system has.
  package init(
    _ verified: Verified<Program>, code: [KernelCode], codeOwner: any Sendable, pool: ThreadPool, memoryLimit: Int? = nil
  ) {
    let program = verified.ir
    precondition(code.count == program.kernels.count, "code of \(code.count) kernels for \(program.kernels.count)")
    for (code, kernel) in zip(code, program.kernels) {
      precondition(code.phases.count == kernel.phases.count, "@\(kernel.name): code of \(code.phases.count) phases")
    }
    (self.program, self.kernels, self.codeOwner, self.pool) = (program, code, codeOwner, pool)
    self.memoryLimit = memoryLimit
    let loadCalls = program.loadCalls
    scratchByteCount = code.map(\.scratchByteCount).max() ?? 0
    loading = CallSequence(program, loadCalls.ofParameters, isLoad: true)
    refreshing = CallSequence(program, loadCalls.ofStates, isLoad: true)
    refreshingStates = refreshing.read.filter { program.buffers[$0].storage == .state }
    steps = CallSequence(program, program.steps, isLoad: false)
    inputs = ArgumentTable(program, .input, kind: "input")
    states = ArgumentTable(program, .state, kind: "state")
    parameters = ArgumentTable(program, .parameter, kind: "parameter")
    replacedStates = program.replacedStates
  }

  /// The number of threads that run tiles.
  package var threadCount: Int { pool.threadCount }

  /// Whether there are parameters to bind.
  package var hasParameters: Bool { !parameters.isEmpty }

  /// Binds the parameters and runs the `load` calls that need nothing else. What only these read is not kept.
  /// - Throws: where a parameter is missing, unknown, repeated, or not of its declared type; the error names it.
  package func load(_ arrays: [(name: String, array: NDArray)] = []) throws -> LoadedProgram {
    try holdingForks { try loaded(arrays) }
  }

  private func loaded(_ arrays: [(name: String, array: NDArray)]) throws -> LoadedProgram {
    let matched = try parameters.match(arrays)
    let arguments = parameters.shapes(matched)
    let binding = try SymbolBinding.solveParameters(arguments)

    var memory = [NDArray?](repeating: nil, count: program.buffers.count)
    for (buffer, array) in matched { memory[buffer] = array }
    for (position, buffer) in program.buffers.enumerated() {
      guard case .constant(let literals) = buffer.storage else { continue }
      memory[position] = try NDArray(literals.values, buffer.type.element, buffer.type.shape.evaluate { _ in nil })
    }
    let plan = try CallPlan(loading, binding)
    try checkMemory(ofLoading: plan, matched.map(\.array))
    // Kept as long as the program is loaded, so an arena of its own does no harm: nothing comes back to it.
    let arena = Arena()
    for (buffer, shape, byteCount) in plan.allocations {
      memory[buffer] = try NDArray(
        element: program.buffers[buffer].type.element, shape: shape, storage: arena.storage(byteCount: byteCount))
    }
    try arena.withWorkspace(byteCount: plan.workspaceByteCount) { workspace in
      let bases = memory.map { $0?.mutableBytes.baseAddress }
      try withExtendedLifetime(memory) { try run(loading, plan, bases, workspace) }
    }
    arena.releaseIdle()

    let used = steps.read.union(refreshing.read)
    for buffer in memory.indices where !used.contains(buffer) { memory[buffer] = nil }
    return LoadedProgram(
      self, fixed: memory, arguments: arguments.filter { !$0.shape.extents.allSatisfy { $0.constant != nil } },
      parameterLengths: binding)
  }

  /// Runs the steps of `sequence` one after the other.
  /// - Parameters:
  ///   - bases: the start of each of the program's buffers.
  ///   - timings: takes what each step took; with nil no clock is read.
  func run(
    _ sequence: CallSequence, _ plan: CallPlan, _ bases: [UnsafeMutableRawPointer?], _ workspace: UnsafeMutableRawBufferPointer,
    timings: UnsafeMutablePointer<[StepTiming]>? = nil
  ) throws {
    var plan = plan
    try pool.withScratch(byteCount: scratchByteCount) { scratch in
      try run(sequence.blocks, sequence, &plan, Memory(bases: bases, workspace: workspace, scratch: scratch), timings)
    }
  }

  /// What the steps of a call work in.
  private struct Memory {
    /// The start of each of the program's buffers.
    let bases: [UnsafeMutableRawPointer?]
    let workspace: UnsafeMutableRawBufferPointer
    let scratch: CallerScratch
  }

  private func run(
    _ blocks: [Program.Block], _ sequence: CallSequence, _ plan: inout CallPlan, _ memory: Memory,
    _ timings: UnsafeMutablePointer<[StepTiming]>?
  ) throws {
    for block in blocks {
      switch block {
      case .call(let position):
        try AddressChecks.limiting(memory.workspace, to: plan.workspaceRanges(ofStep: position, sequence)) {
          try run(sequence.steps[position], plan.steps[position], memory, timings)
        }
      case .loop(let number, let inner):
        let loop = sequence.loops[number]
        let steps = inner.compactMap { if case .call(let step) = $0 { step } else { nil } }
        let count = plan.count(loop)
        for position in 0..<count {
          try plan.move(loop, to: loop.isReversed ? count - 1 - position : position, sequence, steps: steps)
          try run(inner, sequence, &plan, memory, timings)
        }
      }
    }
  }

  private func run(
    _ step: CallSequence.Step, _ sized: CallPlan.Step, _ memory: Memory, _ timings: UnsafeMutablePointer<[StepTiming]>?
  ) throws {
    let code = kernels[step.kernel]
    try withUnsafeTemporaryAllocation(
      of: UnsafeMutableRawPointer?.self, capacity: step.operands.count + step.workspaces.count
    ) { buffers in
      for (position, operand) in step.operands.enumerated() {
        buffers[position] = memory.bases[operand.buffer].map { $0 + sized.operandOffsets[position] }
      }
      for (position, offset) in sized.workspaceOffsets.enumerated() {
        buffers[step.operands.count + position] = memory.workspace.baseAddress.map { $0 + offset }
      }
      try sized.symbols.withUnsafeBufferPointer { symbols in
        let buffers = UnsafePointer(buffers.baseAddress)
        guard let timings else {
          return try sized.isEmpty ? () : code.run(buffers, symbols.baseAddress, pool, scratch: memory.scratch)
        }
        let kernel = program.kernels[step.kernel]
        let start = monotonicSeconds()
        let phases =
          try sized.isEmpty
          ? [] : code.timed(buffers, symbols.baseAddress, pool, scratch: memory.scratch, names: kernel.phases.map(\.name))
        timings.pointee.append(
          StepTiming(
            kernel: step.name, op: step.op, start: start, seconds: monotonicSeconds() - start, flops: sized.flops,
            bytes: sized.bytes, operands: try operands(of: kernel, symbols), phases: phases))
      }
    }
  }

  /// The parameters of `kernel` where its symbols have these values.
  private func operands(of kernel: Kernel, _ symbols: UnsafeBufferPointer<Int64>) throws -> [StepTiming.Operand] {
    let values = Dictionary(zip(kernel.symbols, symbols.map { Int($0) }), uniquingKeysWith: { first, _ in first })
    return try kernel.parameters.map { parameter in
      StepTiming.Operand(
        name: parameter.name, element: parameter.type.element, shape: try parameter.type.shape.evaluate { values[$0] })
    }
  }
}

package import HeedArrays
package import HeedIR

/// A program with its parameters bound, ready to be called by any number of threads at once.
package final class LoadedProgram: Sendable {
  private let executor: Executor
  /// The arrays of parameters, constants and packed buffers that the steps read, by buffer.
  private let fixed: [NDArray?]
  /// The parameters whose shapes say something of a call's symbols.
  private let arguments: [SymbolBinding.Argument]
  private let workspaces = Arena()
  private let results = Arena()
  /// The plan of the last call: calls of the same lengths share it.
  private let lastPlan = Lock<CallPlan?>(nil)
  /// The values of the symbols that the parameters alone decide.
  package let parameterLengths: [Name: Int]
  /// What the last calls computed of states that no call writes: calls that are given the same states share it.
  private let lastKept = Lock<KeptArrays?>(nil)

  init(_ executor: Executor, fixed: [NDArray?], arguments: [SymbolBinding.Argument], parameterLengths: [Name: Int]) {
    (self.executor, self.fixed, self.arguments, self.parameterLengths) = (executor, fixed, arguments, parameterLengths)
  }

  package var program: Program { executor.program }

  /// The results in the program's order.
  ///
  /// - Parameters:
  ///   - states: what the states hold, by name, which the call replaces: in place where no other array shares the memory. Others may be
  ///     among them. They are as they were where the call throws before it runs.
  ///   - timings: receives one entry per step; with nil no clock is read.
  ///   - guarding: puts every result, every intermediate buffer and the kernels' workspaces between guard pages, and shares no
  ///     memory between them: for tests.
  /// - Throws: where an input is missing, unknown, repeated or not of its declared type; where extents do not fit each other or the
  ///   facts; where offsets or indices are out of range. The error names the input. Where the call needs more memory than it may take or
  ///   than the system has left: before anything is allocated, and the error names the largest buffers.
  package func call(
    _ arrays: [(name: String, array: NDArray)], states: inout [String: NDArray],
    timings: UnsafeMutablePointer<[StepTiming]>? = nil, guarding: GuardedMemory? = nil
  ) throws -> [NDArray] {
    try holdingForks { try run(arrays, &states, timings, guarding) }
  }

  private func run(
    _ arrays: [(name: String, array: NDArray)], _ states: inout [String: NDArray],
    _ timings: UnsafeMutablePointer<[StepTiming]>?, _ guarding: GuardedMemory?
  ) throws -> [NDArray] {
    let matched = try executor.inputs.match(arrays)
    var replaced = try executor.states.match(executor.states.names.compactMap { name in states[name].map { (name, $0) } })
    let binding = try program.bind(
      arguments + executor.inputs.shapes(matched) + executor.states.shapes(replaced), matched)
    let plan = try plan(binding)
    try executor.checkMemoryLeft(for: plan, binding, reusing: [workspaces, results])
    let kept = try kept(of: replaced, binding, timings)

    // Until the call ends their memory is its own.
    for name in executor.states.names { states[name] = nil }
    defer { for (name, state) in zip(executor.states.names, replaced) { states[name] = state.array } }
    for position in replaced.indices where executor.replacedStates.contains(replaced[position].buffer) {
      if let guarding {
        replaced[position].array = try replaced[position].array.guarded(guarding)
      } else {
        try replaced[position].array.makeUnique()
      }
    }
    var memory = fixed
    for (buffer, array) in kept { memory[buffer] = array }
    for (buffer, array) in replaced { memory[buffer] = array }
    for (buffer, array) in matched { memory[buffer] = array }
    for (buffer, shape, byteCount) in plan.allocations {
      let element = program.buffers[buffer].type.element
      memory[buffer] = try NDArray(
        element: element, shape: shape,
        storage: guarding?.storage(byteCount: byteCount, alignment: element.byteCount) ?? results.storage(byteCount: byteCount))
    }
    // Intermediate buffers are in the workspace, except for guarded ones.
    var guarded: [Int: ArrayStorage] = [:]
    for (buffer, _, byteCount) in plan.slotOffsets {
      guarded[buffer] = try guarding?.storage(byteCount: byteCount, alignment: program.buffers[buffer].type.element.byteCount)
    }
    try withWorkspace(byteCount: plan.workspaceByteCount, guarding) { workspace in
      var bases = memory.map { $0?.mutableBytes.baseAddress }
      for (buffer, offset, _) in plan.slotOffsets {
        bases[buffer] = guarded[buffer]?.bytes.baseAddress ?? workspace.baseAddress.map { $0 + offset }
      }
      try withExtendedLifetime((memory, guarded)) {
        try executor.run(executor.steps, plan, bases, workspace, timings: timings)
      }
    }
    return program.results.map { memory[$0.buffer]! }
  }

  /// The same for a program without states.
  package func call(
    _ arrays: [(name: String, array: NDArray)], timings: UnsafeMutablePointer<[StepTiming]>? = nil,
    guarding: GuardedMemory? = nil
  ) throws -> [NDArray] {
    var none: [String: NDArray] = [:]
    return try call(arrays, states: &none, timings: timings, guarding: guarding)
  }

  /// The values of the symbols in a call with these inputs.
  /// - Throws: where an input is missing, unknown, repeated or not of its declared type; where extents do not fit each other or the facts.
  package func lengths(_ arrays: [(name: String, array: NDArray)], states: [String: NDArray]) throws -> [Name: Int] {
    let matched = try executor.inputs.match(arrays)
    let known = try executor.states.match(executor.states.names.compactMap { name in states[name].map { (name, $0) } })
    return try SymbolBinding.solve(
      arguments + executor.inputs.shapes(matched) + executor.states.shapes(known), facts: program.facts)
  }

  /// What the program keeps of states that no call writes, computed now where these are not those of the last call.
  private func kept(
    of states: [(buffer: Int, array: NDArray)], _ binding: [Name: Int], _ timings: UnsafeMutablePointer<[StepTiming]>?
  ) throws -> [(buffer: Int, array: NDArray)] {
    let calls = executor.refreshing
    guard !calls.steps.isEmpty else { return [] }
    let read = states.filter { executor.refreshingStates.contains($0.buffer) }
    let versions = read.map { ArrayVersion($0.array) }
    let known = versions.contains(nil) ? nil : lastKept.withLock { $0 }
    if let known, known.versions == versions { return known.arrays }
    // What is replaced is free before memory is taken for what replaces it, unless another call reads it.
    lastKept.withLock { $0 = nil }

    let plan = try CallPlan(calls, binding)
    var memory = fixed
    for (buffer, array) in read { memory[buffer] = array }
    let arrays = try plan.allocations.map { buffer, shape, byteCount in
      let storage = try results.storage(byteCount: byteCount)
      return (buffer, try NDArray(element: program.buffers[buffer].type.element, shape: shape, storage: storage))
    }
    for (buffer, array) in arrays { memory[buffer] = array }
    try workspaces.withWorkspace(byteCount: plan.workspaceByteCount) { workspace in
      let bases = memory.map { $0?.mutableBytes.baseAddress }
      try withExtendedLifetime(memory) { try executor.run(calls, plan, bases, workspace, timings: timings) }
    }
    if !versions.contains(nil) { lastKept.withLock { $0 = KeptArrays(versions: versions, arrays: arrays) } }
    return arrays
  }

  private func withWorkspace(
    byteCount: Int, _ guarding: GuardedMemory?, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    guard let guarding else { return try workspaces.withWorkspace(byteCount: byteCount, body) }
    let storage = try guarding.storage(byteCount: byteCount, alignment: 64)
    try withExtendedLifetime(storage) { try body(storage.bytes) }
  }

  private func plan(_ binding: [Name: Int]) throws -> CallPlan {
    let values = try CallPlan.symbolValues(executor.steps, binding)
    if let last = lastPlan.withLock({ $0 }), last.symbolValues == values { return last }
    let plan = try CallPlan(executor.steps, binding)
    try executor.checkLimit(ofCall: binding)
    lastPlan.withLock { $0 = plan }
    return plan
  }
}

/// Arrays, by buffer, and the versions of the states that they were computed of.
private struct KeptArrays: Sendable {
  let versions: [ArrayVersion?]
  let arrays: [(buffer: Int, array: NDArray)]
}

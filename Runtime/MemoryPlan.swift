package import HeedIR

/// The bytes that a compiled graph takes at known lengths: the same numbers by which a call allocates its memory.
///
/// ```swift
/// let plan = try program.memoryPlan(sizes: ["B": 16])
/// print(plan.total, plan.workspace)
/// ```
///
/// It counts arrays: what a call is given, what it returns and what it works in. The process, its libraries and the compiler are not counted.
public struct MemoryPlan: Sendable {
  /// An array or an intermediate buffer.
  public struct Buffer: Hashable, Sendable {
    /// The name in the program: that of the value that it holds, where that has one.
    public let name: String
    /// Its bytes.
    public let byteCount: Int
  }

  /// An operation that is computed a second time, because what it computed was not kept.
  public struct Recomputation: Hashable, Sendable {
    /// The value, as a message names it: `%scores`, `the product at Model.swift:21`.
    public let value: String
    /// The op's name in text.
    public let op: String
    /// The floating-point operations that are done again.
    public let flops: Int

    /// The second computation of a value.
    package init(value: String, op: String, flops: Int) { (self.value, self.op, self.flops) = (value, op, flops) }
  }

  /// The parameters that calls read as they are.
  public let parameters: Int
  /// What is computed of parameters when they are loaded, and of states that no call writes, such as packed weights, and constants.
  public let packed: Int
  /// The states, which a call replaces in place.
  public let states: Int
  /// The inputs of a call.
  public let inputs: Int
  /// What a call returns.
  public let results: Int
  /// Everything else that a call writes: intermediate buffers, which share memory where they are not in use at once.
  public let workspace: Int
  /// The most bytes of the workspace that are in use at one moment.
  public let workspaceInUse: Int
  /// What loading the parameters takes: these, what is packed of them, and the memory that packing works in.
  public let loading: Int
  /// What is in use at the moment of a call at which the workspace is fullest, the largest first.
  public let largest: [Buffer]
  /// The operations that a call computes twice, in order.
  public let recomputed: [Recomputation]

  /// What a call takes in all.
  public var total: Int { parameters + packed + states + inputs + results + workspace }
  /// The most bytes at any moment: of a call or of loading.
  public var peak: Int { max(total, loading) }

  /// The plan of a program.
  /// - Parameter recomputed: the operations that it computes twice.
  /// - Throws: where a symbol has no value, an extent is negative or a size leaves 64 bits.
  package init(_ program: Program, _ binding: [Name: Int], recomputed: [Recomputation] = []) throws {
    let memory = try ProgramMemory(program, binding)
    func bytes(_ isCounted: (Int, Program.Buffer.Storage) -> Bool) -> Int {
      memory.byteCounts.indices.reduce(0) {
        $0 + (isCounted($1, program.buffers[$1].storage) ? memory.byteCounts[$1] : 0)
      }
    }
    let isRead = Set(program.steps.flatMap { $0.operands.map(\.buffer) })
    parameters = bytes { isRead.contains($0) && $1 == .parameter }
    packed = bytes { isRead.contains($0) && $1.isKept }
    states = bytes { $1 == .state }
    inputs = bytes { $1 == .input }
    results = bytes { $1 == .result }
    (workspace, workspaceInUse) = (memory.workspaceByteCount, memory.inUse.max() ?? 0)
    // What is kept of states is computed during a call.
    let isOfCall = !program.loadCalls.ofStates.isEmpty
    loading =
      bytes { $1 == .parameter || $1.isKept || isOfCall && ($1 == .state || $1 == .input) } + memory.loadWorkspaceByteCount
    let fullest = memory.inUse.indices.max { memory.inUse[$0] < memory.inUse[$1] }
    largest = fullest.map { memory.buffers(at: $0, of: program) } ?? []
    self.recomputed = recomputed
  }
}

extension Program.Buffer.Storage {
  /// Whether the memory is kept from load on, and no argument.
  fileprivate var isKept: Bool { isFixed && self != .parameter }
}

/// The bytes of a program's buffers at known lengths, and of what its steps have in use.
package struct ProgramMemory: Sendable {
  /// By buffer.
  package let byteCounts: [Int]
  /// By buffer the steps during which it is live; nil for those that only loading names.
  package let lives: [ClosedRange<Int>?]
  /// By step the bytes of the kernel's own workspaces.
  package let ownByteCounts: [Int]
  /// By step the bytes of intermediate buffers and workspaces in use.
  package let inUse: [Int]
  /// The bytes of a call's workspace.
  package let workspaceByteCount: Int
  /// The bytes of the workspace at load.
  package let loadWorkspaceByteCount: Int

  /// - Throws: where a symbol has no value, an extent is negative or a size leaves 64 bits.
  package init(_ program: Program, _ binding: [Name: Int]) throws {
    let plan = try CallPlan(CallSequence(program, program.steps, isLoad: false), binding)
    let parameters = program.buffers.filter { $0.storage.isFixed }.flatMap(\.type.shape.extents).symbols
    let load = try CallPlan(
      CallSequence(program, program.load, isLoad: true), binding.filter { program.load.isEmpty || parameters.contains($0.key) })
    byteCounts = try program.buffers.map { try $0.type.shape.evaluate { binding[$0] }.reduce($0.type.element.byteCount, *) }
    let known = program.lives
    let lives = program.buffers.indices.map { known[$0] }
    (self.lives, ownByteCounts) = (lives, plan.ownByteCounts)
    (workspaceByteCount, loadWorkspaceByteCount) = (plan.workspaceByteCount, load.workspaceByteCount)
    var inUse = plan.ownByteCounts
    for (buffer, _, byteCount) in plan.slotOffsets { for step in lives[buffer]! { inUse[step] += (byteCount + 63) & ~63 } }
    self.inUse = inUse
  }

  /// What is in use at a step, the largest first.
  fileprivate func buffers(at step: Int, of program: Program) -> [MemoryPlan.Buffer] {
    let intermediate = program.buffers.indices.filter { position in
      if case .slot = program.buffers[position].storage { lives[position]?.contains(step) == true } else { false }
    }
    let own = ownByteCounts[step]
    let kernel = program.kernels[program.steps[step].kernel].name
    return
      (intermediate.map { MemoryPlan.Buffer(name: "%\(program.buffers[$0].name)", byteCount: byteCounts[$0]) }
      + (own > 0 ? [MemoryPlan.Buffer(name: "workspace of @\(kernel)", byteCount: own)] : []))
      .enumerated().sorted { ($1.element.byteCount, $0.offset) < ($0.element.byteCount, $1.offset) }.map(\.element)
  }
}

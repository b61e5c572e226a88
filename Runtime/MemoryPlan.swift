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
    /// Its element type and extents, `f32[2, 8]`; nil for the workspace of a kernel.
    public let type: String?
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
  /// The parameters, packed arrays, states, inputs and results of a call, the largest first.
  public let arrays: [Buffer]
  /// The operations that a call computes twice, in order.
  public let recomputed: [Recomputation]

  /// What a call takes in all.
  public let total: Int
  /// The most bytes at any moment: of a call or of loading.
  public var peak: Int { max(total, loading) }

  /// The plan of a program.
  /// - Parameter recomputed: the operations that it computes twice.
  /// - Throws: where a symbol has no value, an extent is negative or a size leaves 64 bits.
  package init(_ program: Program, _ binding: [Name: Int], recomputed: [Recomputation] = []) throws {
    let memory = try ProgramMemory(program, binding)
    func bytes(_ isCounted: (Int, Program.Buffer.Storage) -> Bool) throws -> Int {
      try CallPlan.sum(
        memory.byteCounts.indices.filter { isCounted($0, program.buffers[$0].storage) }.map { memory.byteCounts[$0] })
    }
    let isRead = Set(program.steps.flatMap { $0.operands.map(\.buffer) })
    parameters = try bytes { isRead.contains($0) && $1 == .parameter }
    packed = try bytes { isRead.contains($0) && $1.isKept }
    states = try bytes { $1 == .state }
    inputs = try bytes { $1 == .input }
    results = try bytes { $1 == .result }
    (workspace, workspaceInUse) = (memory.workspaceByteCount, memory.inUse.max() ?? 0)
    total = try CallPlan.sum([parameters, packed, states, inputs, results, workspace])
    // What is kept of states is computed during a call.
    let isOfCall = !program.loadCalls.ofStates.isEmpty
    loading = try CallPlan.sum([
      bytes { $1 == .parameter || $1.isKept || isOfCall && ($1 == .state || $1 == .input) }, memory.loadWorkspaceByteCount,
    ])
    let fullest = memory.inUse.indices.max { memory.inUse[$0] < memory.inUse[$1] }
    largest = fullest.map { memory.buffers(at: $0, of: program) } ?? []
    arrays = memory.arrays(of: program) { position, storage in
      isRead.contains(position) && storage.isFixed || [.state, .input, .result].contains(storage)
    }
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
  private let shapes: [[Int]]
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
    let shapes = try program.buffers.map { try $0.type.shape.evaluate { binding[$0] } }
    byteCounts = try zip(program.buffers, shapes).map { buffer, shape in
      guard shape.allSatisfy({ $0 >= 0 }) else { throw CallPlan.negativeExtent(buffer.name, shape) }
      return try CallPlan.product([buffer.type.element.byteCount] + shape)
    }
    self.shapes = shapes
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
    let own = ownByteCounts[step]
    let kernel = program.kernels[program.steps[step].kernel].name
    return Self.sorted(
      list(of: program) { position, storage in
        if case .slot = storage { lives[position]?.contains(step) == true } else { false }
      } + (own > 0 ? [MemoryPlan.Buffer(name: "workspace of @\(kernel)", type: nil, byteCount: own)] : []))
  }

  /// The buffers that are meant, the largest first.
  fileprivate func arrays(of program: Program, _ isMeant: (Int, Program.Buffer.Storage) -> Bool) -> [MemoryPlan.Buffer] {
    Self.sorted(list(of: program, isMeant))
  }

  private func list(of program: Program, _ isMeant: (Int, Program.Buffer.Storage) -> Bool) -> [MemoryPlan.Buffer] {
    program.buffers.enumerated().filter { isMeant($0, $1.storage) }.map { position, buffer in
      MemoryPlan.Buffer(
        name: "%\(buffer.name)", type: "\(buffer.type.element)\(shapes[position])", byteCount: byteCounts[position])
    }
  }

  fileprivate static func sorted(_ buffers: [MemoryPlan.Buffer]) -> [MemoryPlan.Buffer] {
    buffers.enumerated().sorted { ($1.element.byteCount, $0.offset) < ($0.element.byteCount, $1.offset) }.map(\.element)
  }
}

// MARK: Errors

extension MemoryPlan {
  /// What a call takes, for an error: `345 of arguments and results, 12000 of workspace, the largest %a: f32[2, 100] (800), ...`.
  package var summary: String {
    let largest = ProgramMemory.sorted(arrays + largest).prefix(3).map { buffer in
      "\(buffer.name)\(buffer.type.map { ": \($0)" } ?? "") (\(buffer.byteCount))"
    }
    return
      "\(total - workspace) of arguments and results, \(workspace) of workspace, the largest \(largest.joined(separator: ", "))"
  }

  /// ` at B = 16, S = 8`: the values of symbols, for an error; nothing where there are none.
  package static func lengths(_ sizes: [String: Int]) -> String {
    sizes.isEmpty ? "" : " at " + sizes.sorted { $0.key < $1.key }.map { "\($0) = \($1)" }.joined(separator: ", ")
  }
}

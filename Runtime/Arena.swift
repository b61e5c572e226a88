internal import CHeedMemory
package import HeedArrays
internal import HeedIR
internal import HeedSystem

/// Workspace memory for calls of programs. Each call in progress has a block of its own, and blocks are kept for later calls, so
/// that calls in a steady state allocate nothing.
package final class Arena: Sendable {
  /// The blocks that no call uses. There are never more than the most calls that were in progress at once.
  private let idle = Lock(IdleBlocks())

  package init() {}

  deinit { releaseIdle() }

  /// The bytes of all blocks that no call uses.
  package var idleBytes: Int { idle.withLock { $0.blocks.reduce(0) { $0 + $1.capacity } } }

  /// Returns to the system the blocks that no call uses.
  package func releaseIdle() {
    idle.withLock { idle in
      for index in idle.blocks.indices { heed_memory_free(&idle.blocks[index].memory) }
      idle.blocks.removeAll(keepingCapacity: true)
    }
  }

  /// Calls `body` with `byteCount` bytes aligned to 64, or to a huge page from 2 MiB on. Their contents are unspecified, and they
  /// are only valid during the call.
  /// - Throws: where memory lacks, and what `body` throws.
  package func withWorkspace<Value>(byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Value) throws -> Value {
    precondition(byteCount >= 0, "a workspace of \(byteCount) bytes")
    var block = idle.withLock { $0.take(byteCount) }
    if block.memory.base == nil || block.capacity < byteCount {
      heed_memory_free(&block.memory)
      try AvailableMemory.check(byteCount, for: "the workspace of a call")
      guard heed_memory_reserve(&block.memory, Self.roundedUp(byteCount)) == 0 else {
        throw HeedError("no memory for a workspace of \(byteCount) bytes")
      }
    }
    defer { idle.withLock { $0.blocks.append(block) } }
    return try body(UnsafeMutableRawBufferPointer(start: block.memory.base, count: byteCount))
  }

  /// An array's memory: `byteCount` bytes aligned to 64, contents unspecified, which come back to the arena when the array goes.
  ///
  /// A block much larger than that is not kept busy with it, so a small result does not hold what a large one needs.
  /// - Throws: where memory lacks.
  package func storage(byteCount: Int) throws -> ArrayStorage {
    precondition(byteCount >= 0, "an array of \(byteCount) bytes")
    let capacity = Self.roundedUp(byteCount)
    var block = idle.withLock { $0.take(byteCount) }
    if block.capacity > max(2 * capacity, Self.smallByteCount) { heed_memory_free(&block.memory) }
    if block.memory.base == nil || block.capacity < byteCount {
      heed_memory_free(&block.memory)
      try AvailableMemory.check(byteCount, for: "an array")
      guard heed_memory_reserve(&block.memory, capacity) == 0 else {
        throw HeedError("no memory for an array of \(byteCount) bytes")
      }
    }
    let owned = block
    return ArrayStorage(
      bytes: UnsafeMutableRawBufferPointer(start: owned.memory.base, count: byteCount), isExclusive: true
    ) { [self] _ in
      holdingForks { idle.withLock { $0.blocks.append(owned) } }
    }
  }

  /// A block of up to so many bytes may serve any smaller need.
  private static let smallByteCount = 64 << 10

  /// `byteCount` up to the next of eight sizes an octave, so that calls of about the same size reuse a block.
  private static func roundedUp(_ byteCount: Int) -> Int {
    guard byteCount > 4096 else { return 4096 }
    let step = 1 << (Int.bitWidth - 1 - byteCount.leadingZeroBitCount - 3)
    let (sum, overflow) = byteCount.addingReportingOverflow(step - 1)
    return overflow ? byteCount : sum & ~(step - 1)
  }
}

/// One block of workspace, owned by the arena or by one call.
private struct Block: @unchecked Sendable {
  var memory = heed_memory()
  var capacity: Int { memory.capacity }
}

/// What an arena keeps.
private struct IdleBlocks: Sendable {
  var blocks: [Block] = []

  /// Removes and returns the smallest block of at least `byteCount` bytes; otherwise the largest, which the caller enlarges; an
  /// empty one where there is none.
  mutating func take(_ byteCount: Int) -> Block {
    var best: Int?
    for (index, block) in blocks.enumerated() {
      guard let chosen = best.map({ blocks[$0].capacity }) else {
        best = index
        continue
      }
      let fits = block.capacity >= byteCount
      let better = chosen >= byteCount ? fits && block.capacity < chosen : block.capacity > chosen
      if better { best = index }
    }
    guard let best else { return Block() }
    blocks.swapAt(best, blocks.count - 1)
    return blocks.removeLast()
  }
}

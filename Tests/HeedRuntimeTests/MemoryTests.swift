import CHeedMemory
import Foundation
import HeedArrays
import HeedIR
import HeedRuntime
import Testing

@Suite struct ArenaTests {
  private func address(_ arena: Arena, _ byteCount: Int) throws -> UInt {
    try arena.withWorkspace(byteCount: byteCount) { bytes in
      #expect(bytes.count == byteCount)
      for index in bytes.indices { bytes[index] = 0x5A }
      return UInt(bitPattern: bytes.baseAddress)
    }
  }

  @Test func blocksAreReused() throws {
    let arena = Arena()
    let first = try address(arena, 100_000)
    let kept = arena.idleBytes
    #expect(kept >= 100_000)
    for byteCount in [100_000, 1, 99_999, 100_100] { #expect(try address(arena, byteCount) == first) }
    #expect(arena.idleBytes == kept)
  }

  @Test func aBlockThatIsTooSmallMakesWay() throws {
    let arena = Arena()
    for byteCount in stride(from: 5000, through: 5_000_000, by: 123_456) { _ = try address(arena, byteCount) }
    #expect(arena.idleBytes < 8_000_000)
    arena.releaseIdle()
    #expect(arena.idleBytes == 0)
  }

  @Test func callsInProgressHaveBlocksOfTheirOwn() throws {
    let arena = Arena()
    try arena.withWorkspace(byteCount: 6000) { outer in
      outer.initializeMemory(as: UInt8.self, repeating: 1)
      try arena.withWorkspace(byteCount: 3 << 20) { _ = $0.initializeMemory(as: UInt8.self, repeating: 2) }
      #expect(outer.allSatisfy { $0 == 1 })
    }
    // The smallest that fits is taken: the large block stays for a large call.
    let small = try address(arena, 6000)
    let large = try arena.withWorkspace(byteCount: 6000) { _ in try address(arena, 3 << 20) }
    #expect(large != small)

    let log = Log()
    onThreads(6) { thread in
      for round in 0..<50 {
        let intact = try? arena.withWorkspace(byteCount: 1000 + thread * 500 + round) { bytes in
          bytes.initializeMemory(as: UInt8.self, repeating: UInt8(thread))
          usleep(10)
          return bytes.allSatisfy { $0 == UInt8(thread) }
        }
        if intact != true { log.add("thread \(thread), round \(round)") }
      }
    }
    #expect(log.all == [])
  }

  @Test func alignmentIsALineOrAHugePage() throws {
    let arena = Arena()
    for byteCount in [0, 1, 4097, 1 << 20] { #expect(try address(arena, byteCount) % 64 == 0) }
    for byteCount in [2 << 20, (5 << 20) + 1] { #expect(try address(arena, byteCount) % (2 << 20) == 0) }
  }

  /// Memory is given back as it was taken: what counts as huge pages starts on one.
  @Test func sizesAroundAHugePage() {
    let hugePage = 2 << 20
    for byteCount in [1, hugePage - 65, hugePage - 64, hugePage - 63, hugePage - 1, hugePage, hugePage + 1, 3 * hugePage - 1] {
      var memory = heed_memory()
      #expect(heed_memory_reserve(&memory, byteCount) == 0)
      #expect(memory.capacity >= byteCount)
      let isHuge = memory.capacity >= hugePage
      #expect(!isHuge || memory.capacity % hugePage == 0 && UInt(bitPattern: memory.base) % UInt(hugePage) == 0, "\(byteCount)")
      memset(memory.base, 1, byteCount)
      heed_memory_free(&memory)
      #expect(memory.base == nil && memory.capacity == 0)
    }
  }

  @Test func memoryThatCannotBeHadIsAnError() throws {
    let arena = Arena()
    for byteCount in [Int.max, Int.max / 4] {
      #expect(throws: HeedError.self) { try arena.withWorkspace(byteCount: byteCount) { _ in } }
    }
    _ = try address(arena, 100)
  }

  @Test func aBodyThatThrowsGivesTheBlockBack() throws {
    let arena = Arena()
    let error = #expect(throws: HeedError.self) { try arena.withWorkspace(byteCount: 9000) { _ in throw HeedError("mine") } }
    #expect(error?.message == "mine")
    #expect(arena.idleBytes >= 9000)
  }
}

@Suite struct GuardedMemoryTests {
  /// Whether the byte at `address` can be read: the kernel reports EFAULT where a load would end the process.
  private func isReadable(_ address: UnsafeRawPointer) throws -> Bool {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let written = write(ends[1], address, 1)
    if written == 1 { return true }
    try #require(errno == EFAULT)
    return false
  }

  @Test(arguments: [0, 1, 3, 64, 4095, 4096, 4097, 100_000])
  func pagesAroundAreGuarded(byteCount: Int) throws {
    for place in GuardedMemory.allCases {
      let storage = try place.storage(byteCount: byteCount, alignment: 1)
      let (start, end) = (storage.bytes.baseAddress!, storage.bytes.baseAddress! + byteCount)
      #expect(storage.bytes.count == byteCount)
      if place == .begins { #expect(try !isReadable(start - 1)) }
      if place == .ends { #expect(try !isReadable(end)) }
      // The other side is guarded too, where its page ends.
      let inner = max((byteCount + 4095) / 4096, 1) * 4096
      if place == .begins { #expect(try !isReadable(start + inner)) }
      if place == .ends { #expect(try !isReadable(end - inner - 1)) }
      for index in storage.bytes.indices {
        #expect(storage.bytes[index] == 0xFF)
        storage.bytes[index] = 1
      }
      if byteCount > 0 {
        #expect(try isReadable(start))
        #expect(try isReadable(end - 1))
      }
    }
  }

  @Test func elementsStayAligned() throws {
    let odd = try GuardedMemory.ends.storage(byteCount: 13, alignment: 8)
    #expect(UInt(bitPattern: odd.bytes.baseAddress) % 8 == 0)
    #expect(try isReadable(odd.bytes.baseAddress! + 15))
    #expect(try !isReadable(odd.bytes.baseAddress! + 16))
  }

  @Test func arraysKeepTheirValues() throws {
    let array = try NDArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
    for place in GuardedMemory.allCases {
      let guarded = try array.guarded(place)
      #expect(guarded.shape == [2, 3])
      #expect(guarded.values(as: Float.self) == [1, 2, 3, 4, 5, 6])
      if place == .ends { #expect(try !isReadable(guarded.bytes.baseAddress! + 24)) }
    }
  }
}

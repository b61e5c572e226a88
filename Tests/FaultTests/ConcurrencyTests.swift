import CHeedMemory
import Foundation
import Heed
import HeedTestSupport
import Synchronization
import Testing

/// Many threads that call one program, while others compile and the cache is being cleared.
@Suite(.timeLimit(.minutes(5))) struct ConcurrencyTests {
  @Test func manyCallersWhileOthersCompile() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        // What runs for the first time keeps memory and descriptors.
        try ConcurrencyTests.expectRightBits(folder, rounds: 1)
        let before = ProcessUse.now
        try ConcurrencyTests.expectRightBits(folder, rounds: 4)
        let after = ProcessUse.now
        #expect(
          after.blocks == before.blocks && after.descriptors == before.descriptors && after.workers == 0, "\(before), \(after)")
      }
    }
  }

  private static func expectRightBits(_ folder: String, rounds: Int) throws {
    let cache = ObjectCache(directory: folder + "/cache", byteLimit: 100_000, log: { _ in })
    let options = CompileOptions(threads: 2, cache: cache)
    // Calls of several lengths of one program.
    let lengths = [1, 17, 40, 70]
    let cases = try lengths.map(ProgramCase.attention)
    let loaded = try cases[0].loaded(options)
    let expected = try cases.map { try $0.call(loaded) }
    let others = try [ProgramCase.attention(length: 9), ProgramCase.step()].map { ($0, try $0.call($0.loaded(options))) }
    let isOver = Atomic(false)
    let calls = Atomic(0)
    try withThreads(64) { thread in
      var turn = thread
      while !isOver.load(ordering: .relaxed) {
        let isRight = try cases[turn % 4].call(loaded) == expected[turn % 4]
        if !isRight { Issue.record("thread \(thread), length \(lengths[turn % 4])") }
        calls.add(1, ordering: .relaxed)
        // Two cores have to compile beside 64 callers.
        usleep(5000)
        turn += 1
      }
    } whileRunning: {
      for round in 0..<rounds {
        for (program, bits) in others {
          let isRight = try program.call(program.loaded(options)) == bits
          #expect(isRight, "\(program.name)")
        }
        cache.evict()
        if round % 3 == 0 { try? FileManager.default.removeItem(atPath: folder + "/cache") }
      }
      // On a busy machine no call may have been made yet.
      while calls.load(ordering: .relaxed) < 64 { usleep(1000) }
      isOver.store(true, ordering: .relaxed)
    }
  }
}

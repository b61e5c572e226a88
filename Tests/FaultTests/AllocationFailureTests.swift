import CHeedMemory
import Foundation
import Heed
import HeedTestSupport
import Testing

/// Memory or a thread that cannot be had, at every point of compiling, loading and calling: the first request fails, then the second, and so
/// on until none is left. Each time there is one error, or the right bits where something else took the place; nothing leaks; and what was
/// called can be called again.
@Suite(.timeLimit(.minutes(15))) struct AllocationFailureTests {
  /// In a process of its own, as the count is the process's. `make test-faults` takes the cases of all derivatives too.
  @Test func everyRequestMayFail() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryFolder { folder in
        let isLong = ProcessInfo.processInfo.environment["HEED_LONG_FAULTS"] != nil
        let cases = try isLong ? ProgramCase.all() + AllocationFailureTests.derivatives() : ProgramCase.all()
        var total = 0
        for (number, program) in cases.enumerated() {
          for threads in isLong ? [1, 2, 3] : [1 + number % 3] {
            let count = try AllocationFailureTests.expectSurvival(program, threads: threads, cache: folder)
            #expect(count > 2, "\(program.name)")
            total += count
          }
        }
        if isLong { FileHandle.standardError.write(Data("\(cases.count) programs, \(total) requests that failed\n".utf8)) }
      }
    }
  }

  /// The sentence encoder, from its files on.
  @Test func everyRequestOfAnEmbedderMayFail() async {
    await #expect(processExitsWith: .success) {
      try withSmallModel { model in
        let options = CompileOptions(threads: 2, cache: ObjectCache(directory: model + "/cache", log: { _ in }))
        let texts = ["a b c", "d", "", "a a d b c c"]
        let expected = try SentenceEmbedder(model: model, options: options).embed(texts)
        var number: Int64 = 1
        while true {
          let before = heed_memory_block_count()
          heed_memory_fail_at(number)
          let (got, error) = AllocationFailureTests.outcome { try SentenceEmbedder(model: model, options: options).embed(texts) }
          let left = heed_memory_fail_at(0)
          AllocationFailureTests.expectOneError(error, got, expected, "embedder, request \(number)")
          #expect(heed_memory_block_count() == before, "request \(number)")
          guard left <= 0 else { break }
          number += 1
        }
        #expect(number > 10)
      }
    }
  }

  /// Lets each request of a program's way fail in turn; returns how many there are.
  private static func expectSurvival(_ program: ProgramCase, threads: Int, cache: String) throws -> Int {
    let options = CompileOptions(threads: threads, cache: ObjectCache(directory: cache, log: { _ in }))
    let expected = try program.call(program.loaded(options))
    var number: Int64 = 1
    while true {
      let note: Comment = "\(program.name), \(threads) threads, request \(number)"
      let before = heed_memory_block_count()
      heed_memory_fail_at(number)
      let left: Int64 = try {
        let (loaded, error) = outcome { try program.loaded(options) }
        guard let loaded else {
          let left = heed_memory_fail_at(0)
          expectOneError(error, nil as ProgramCase.Bits?, expected, note)
          return left
        }
        let (got, failure) = outcome { try program.call(loaded) }
        let left = heed_memory_fail_at(0)
        expectOneError(failure, got, expected, note)
        let isRightAgain = try program.call(loaded) == expected
        #expect(isRightAgain, note)
        return left
      }()
      #expect(heed_memory_block_count() == before, note)
      guard left <= 0 else { return Int(number) - 1 }
      number += 1
    }
  }

  private static func outcome<Value>(_ body: () throws -> Value) -> (Value?, (any Error)?) {
    do { return (try body(), nil) } catch { return (nil, error) }
  }

  private static func expectOneError<Value: Equatable>(_ error: (any Error)?, _ got: Value?, _ expected: Value, _ note: Comment) {
    guard let error else {
      let isRight = got == expected
      #expect(isRight, note)
      return
    }
    let message = (error as? HeedError)?.message
    #expect(message?.hasPrefix("no memory for ") == true && message?.contains("\n") == false, "\(note): \(error)")
  }

  private static func derivatives() throws -> [ProgramCase] {
    try gradientCases.flatMap { [try ProgramCase($0, reverse: false), try ProgramCase($0, reverse: true)] }
      .filter { (try? $0.graph.compile()) != nil }
  }
}

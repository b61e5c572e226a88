import CHeedABI
import CHeedMemory
import Foundation
import HeedRuntime
import Testing

/// That the sanitizers see what is put before them (`make test-asan`, `make test-tsan`): a run that finds nothing means something.
@Suite struct SanitizerTests {
  private static func isLinked(_ function: String) -> Bool { dlsym(dlopen(nil, RTLD_NOW), function) != nil }
  private static let checksAddresses = isLinked("__asan_init")
  private static let checksThreads = isLinked("__tsan_init")

  private func expect(_ result: ExitTest.Result?, says message: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
    #expect(text.contains(message), "\(text.prefix(2000))", sourceLocation: sourceLocation)
  }

  /// A kernel that writes a row more than its operand has, into memory of the same workspace.
  @Test(.enabled(if: checksAddresses, "not built with AddressSanitizer")) func writesBehindABuffer() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let executor = try exampleExecutor(writesTooMuch: true)
      _ = try executor.load(exampleWeight()).call(exampleInputs([3, 4]))
    }
    expect(result, says: "use-after-poison")
  }

  @Test(.enabled(if: checksAddresses, "not built with AddressSanitizer")) func leaks() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var memory = heed_memory()
      #expect(heed_memory_reserve(&memory, 1000) == 0)
      memory = heed_memory()
    }
    expect(result, says: "detected memory leaks")
  }

  /// Tiles of one phase that write to one place.
  @Test(.enabled(if: checksThreads, "not built with ThreadSanitizer")) func races() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let pool = try ThreadPool(threads: 2)
      var sum = 0
      try withUnsafeMutablePointer(to: &sum) { sum in
        var buffers: [UnsafeMutableRawPointer?] = [UnsafeMutableRawPointer(sum)]
        try buffers.withUnsafeMutableBufferPointer { buffers in
          var arguments = heed_arguments(buffers: UnsafePointer(buffers.baseAddress), symbols: nil)
          for _ in 0..<100 {
            try pool.run(
              { arguments, begin, end, _ in
                let sum = arguments!.pointee.buffers[0]!.assumingMemoryBound(to: Int.self)
                for tile in begin..<end {
                  sum.pointee += Int(tile)
                  usleep(10)
                }
              }, &arguments, count: 64)
          }
        }
      }
    }
    expect(result, says: "data race")
  }
}

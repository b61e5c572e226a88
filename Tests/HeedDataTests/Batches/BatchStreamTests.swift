import Foundation
import HeedArrays
import HeedData
import HeedIR
import Testing

@Suite struct BatchStreamTests {
  /// A dataset of 10 samples that counts the batches made, and fails at a sample.
  private final class Recorder: Dataset {
    let count = 10
    let made = Lock<[[Int]]>([])
    let failing: Int?

    init(failing: Int? = nil) { self.failing = failing }

    func batch(_ samples: [Int]) throws -> [String: NDArray] {
      made.withLock { $0.append(samples) }
      if let failing, samples.contains(failing) { throw HeedError("got the sample \(failing)") }
      return try ["n": NDArray(samples.map { Int32($0) }, [samples.count])]
    }
  }

  @Test func hasTheBatchesInTheirOrder() async throws {
    let batches = try Batches(Recorder(), size: .samples(4), seed: 6)
    var samples: [[Int]] = []
    for try await batch in batches.stream(epochs: 2) {
      #expect(batch.arrays["n"]?.values(as: Int32.self) == batch.samples.map { Int32($0) })
      samples.append(batch.samples)
    }
    var (expected, position): ([[Int]], DataPosition) = ([], .start)
    while position.epoch < 2 {
      let batch = try batches.batch(at: position)
      (expected, position) = (expected + [batch.samples], batch.next)
    }
    #expect(samples == expected && samples.count == 6)
    var rest: [[Int]] = []
    for try await batch in batches.stream(from: DataPosition(epoch: 0, sample: 8), epochs: 2) { rest.append(batch.samples) }
    #expect(rest == Array(expected[2...]))
    for try await _ in batches.stream(from: DataPosition(epoch: 1, sample: 10), epochs: 2) { Issue.record("a batch after the end") }
  }

  @Test func preparesOneBatchAhead() async throws {
    let recorder = Recorder()
    let iterator = try Batches(recorder, size: .samples(1), seed: nil).stream().makeAsyncIterator()
    var loop = iterator
    for step in 1...5 {
      #expect(try await loop.next()?.samples == [step - 1])
      // The next one comes without being asked for, and no further one.
      for _ in 0..<1000 where recorder.made.withLock({ $0.count }) == step { try await Task.sleep(for: .milliseconds(1)) }
      try await Task.sleep(for: .milliseconds(5))
      #expect(recorder.made.withLock { $0.count } == step + 1)
    }
  }

  @Test func errorsComeInTheirPlace() async throws {
    var loop = try Batches(Recorder(failing: 1), size: .samples(1), seed: nil).stream().makeAsyncIterator()
    #expect(try await loop.next()?.samples == [0])
    await #expect(throws: HeedError("got the sample 1")) { try await loop.next() }
  }

  @Test func canBeCancelled() async throws {
    let batches = try Batches(Recorder(), size: .samples(1), seed: nil)
    let task = Task {
      var count = 0
      for try await _ in batches.stream() {
        count += 1
        if count == 3 { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return count
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}

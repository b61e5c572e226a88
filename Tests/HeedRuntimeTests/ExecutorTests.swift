import HeedArrays
import HeedIR
import HeedRuntime
import Testing

@Suite struct ExecutorTests {
  @Test(arguments: [1, 3], [[3, 4], [0], [1, 0, 200], []])
  func runsAllSteps(threads: Int, lengths: [Int]) throws {
    let loaded = try exampleExecutor(threads: threads).load(exampleWeight())
    let results = try loaded.call(exampleInputs(lengths))
    let expected = exampleResults(lengths)
    #expect(results.map(\.shape) == [[lengths.reduce(0, +), 8], [lengths.count, 8]])
    #expect(results[0].values(as: Float.self) == expected.out)
    #expect(results[1].values(as: Float.self) == expected.sums)
  }

  @Test func callsOfManyThreadsDoNotMix() throws {
    let loaded = try exampleExecutor(threads: 2).load(exampleWeight())
    let failures = Log()
    onThreads(6) { thread in
      do {
        for round in 0..<50 {
          let lengths = [thread, round, 3]
          let results = try loaded.call(exampleInputs(lengths, start: thread * 100))
          if results[1].values(as: Float.self) != exampleResults(lengths, start: thread * 100).sums {
            failures.add("\(thread) \(round)")
          }
        }
      } catch { failures.add("\(error)") }
    }
    #expect(failures.all.isEmpty)
  }

  @Test func resultsOutliveTheProgram() throws {
    let first = try {
      let loaded = try exampleExecutor().load(exampleWeight())
      let first = try loaded.call(exampleInputs([5]))
      _ = try loaded.call(exampleInputs([5], start: 7))
      return first
    }()
    #expect(first[0].values(as: Float.self) == exampleResults([5]).out)
  }

  @Test func timesEachStep() throws {
    let loaded = try exampleExecutor().load(exampleWeight())
    var timings: [StepTiming] = []
    _ = try loaded.call(exampleInputs([2, 3]), timings: &timings)
    #expect(timings.map(\.kernel) == ["multiply", "add", "sums"])
    #expect(timings.map(\.flops) == [40, 40, 40])
    // The graph's number, but no more than the arrays hold: the last kernel sees 5 x 8 and 2 x 8 floats and three offsets.
    #expect(timings.map(\.bytes) == [320, 320, 236])
    #expect(timings.allSatisfy { $0.seconds > 0 })
    let tiles = timings.map { step in Dictionary(step.phases.map { ($0.phase, $0.tiles) }, uniquingKeysWith: +) }
    #expect(tiles == [["copy": 5, "all": 5], ["all": 5], ["all": 2]])
    for step in timings {
      for phase in step.phases {
        #expect(phase.start >= step.start && phase.start + phase.seconds <= step.start + step.seconds)
      }
    }
    #expect(timings[0].operands.map(\.shape) == [[5, 8], [8], [5, 8]])
  }

  @Test func takesUnalignedArrays() throws {
    let whole = ArrayStorage(byteCount: 64)
    let shifted = ArrayStorage(bytes: UnsafeMutableRawBufferPointer(rebasing: whole.bytes[1..<33])) { _ in _ = whole }
    let aligned = try exampleWeight()[0].array
    withExtendedLifetime(aligned) { shifted.bytes.copyMemory(from: aligned.bytes) }
    let weight = try NDArray(element: .f32, shape: [8], storage: shifted)
    let loaded = try exampleExecutor().load([("weight", weight)])
    #expect(try loaded.call(exampleInputs([2]))[0].values(as: Float.self) == exampleResults([2]).out)
  }
}

/// Calls that are refused, each with one line that names the argument, what was got and what was expected.
@Suite struct ExecutorErrorTests {
  private func message(_ body: () throws -> some Any) -> String {
    do {
      _ = try body()
      return "no error"
    } catch { return "\(error)" }
  }

  private func callMessage(_ change: (inout [(name: String, array: NDArray)]) throws -> Void) throws -> String {
    let loaded = try exampleExecutor().load(exampleWeight())
    var inputs = try exampleInputs([3, 4])
    try change(&inputs)
    return message { try loaded.call(inputs) }
  }

  @Test func names() throws {
    #expect(try callMessage { $0.removeLast() } == "error: got no input 'offsets', expected one of type i32[B + 1]")
    #expect(try callMessage { $0.append($0[0]) } == "error: got the input 'x' twice, expected it once")
    #expect(try callMessage { $0[0].name = "y" } == "error: got an unknown input 'y', expected 'x', 'offsets'")
    let executor = try exampleExecutor()
    #expect(message { try executor.load() } == "error: got no parameter 'weight', expected one of type f32[8]")
    #expect(
      message { try executor.load([("w", exampleWeight()[0].array)]) } == "error: got an unknown parameter 'w', expected 'weight'")
  }

  @Test func typesAndShapes() throws {
    #expect(
      try callMessage { $0[0].array = try NDArray([Double](repeating: 0.1, count: 56), [7, 8]) }
        == "error: input 'x': got f64[7, 8], expected f32[T, 8]: f32 cannot hold the value 0.1 at [0, 0] exactly; "
        + "convert with .converted(to: .f32)")
    #expect(
      try callMessage { $0[0].array = NDArray.zeros([7, 8], element: .bool) }
        == "error: input 'x': got bool[7, 8], expected f32[T, 8]; convert with .converted(to: .f32)")
    #expect(
      try callMessage { $0[0].array = try NDArray(zeros: .f32, [7]) }
        == "error: input 'x': got shape [7] of rank 1, expected [T, 8] of rank 2")
    #expect(
      try callMessage { $0[0].array = try NDArray(zeros: .f32, [7, 9]) }
        == "error: %x: got extent 9 in dimension 1, expected 8")
    #expect(try callMessage { $0[1].array = try NDArray(zeros: .i32, [0]) }.contains("%offsets: got extent 0 in dimension 0"))
    let executor = try exampleExecutor()
    #expect(
      message { try executor.load([("weight", NDArray(zeros: .f32, [7]))]) }
        == "error: parameters: %weight: got extent 7 in dimension 0, expected 8")
  }

  @Test(
    arguments: [
      ([0, 3, 6], "input 'offsets': got 6 as the last offset, expected T = 7"),
      ([1, 3, 7], "input 'offsets': got 1 as the first offset, expected 0"),
      ([0, 8, 7], "input 'offsets': got offset 7 at position 2 after 8, expected offsets that never fall"),
    ] as [([Int32], String)])
  func offsets(offsets: [Int32], expected: String) throws {
    #expect(try callMessage { $0[1].array = try NDArray(offsets, [3]) } == "error: " + expected)
  }

  @Test(arguments: [(-1, "-1"), (5, "5")] as [(Int64, String)])
  func indices(index: Int64, text: String) throws {
    let array = try NDArray([0, 4, index], [3])
    let check = Program.Check.indices(buffer: 0, limit: "V")
    #expect(
      message { try check.verify(array, name: "ids", bound: 5) }
        == "error: input 'ids': got \(text) at position 2, expected a number from 0 to below 5")
    #expect(throws: Never.self) { try check.verify(NDArray([0, 4] as [Int64], [2]), name: "ids", bound: 5) }
  }
}

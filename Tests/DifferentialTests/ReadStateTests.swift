import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// What programs keep of states that they only read: packed weights of an evaluation beside training.
@Suite struct ReadStateTests {
  private static func evaluation() throws -> Graph {
    try Graph(building: "evaluate") { g in
      let (x, w, v) = (g.input("x", .f32, ["B", 20]), g.state("w", .f32, [20, 30]), g.state("v", .f32, [30, 20]))
      return matmul(tanh(matmul(x, w)), v)
    }
  }

  private static func state(seed: Int) -> GraphState {
    GraphState(["w": .random([20, 30], seed: seed), "v": .random([30, 20], seed: seed + 100)])
  }

  private let x: [String: NDArray] = ["x": .random([5, 20], seed: 1)]

  /// Calls the program, compares its result with the interpreter's, and returns how many calls packed.
  private func packings(
    _ program: CompiledGraph, _ state: inout GraphState, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws -> Int {
    var reference = state
    let expected = try Self.evaluation().interpret(x, updating: &reference)[0]
    var timings: [StepTiming] = []
    let got = try program.run(x.map { ($0.key, $0.value) }, states: &state.arrays, timings: &timings)[0]
    #expect(try difference(got, ReferenceArray(expected), .loose) == nil, sourceLocation: sourceLocation)
    return timings.count { $0.kernel.text.hasPrefix("pack") }
  }

  @Test func packedOncePerVersion() throws {
    let program = try Self.evaluation().compile(options())
    #expect(program.program.load.count == 2 && program.program.steps.count == 2, "\(program.program)")
    var state = Self.state(seed: 1)
    #expect(try packings(program, &state) == 2)
    for _ in 0..<3 { #expect(try packings(program, &state) == 0) }
    var copy = state
    #expect(try packings(program, &copy) == 0)

    state["w"]![3, 4] = 7
    #expect(try packings(program, &state) == 2)
    #expect(try packings(program, &copy) == 2)
    // The copy is the only one that holds its memory now, which a change keeps in place.
    copy["w"]![3, 4] = 8
    let address = copy["w"]!.bytes.baseAddress
    copy["w"]![3, 4] = 9
    #expect(copy["w"]!.bytes.baseAddress == address)
    #expect(try packings(program, &copy) == 2)
    #expect(try packings(program, &copy) == 0)

    // A row of a larger array is not the row beside it.
    let weights = NDArray.random([2, 20, 30], seed: 5)
    for row in [0, 1, 0] {
      state["w"] = weights[row]
      #expect(try packings(program, &state) == 2)
    }
  }

  /// Training goes on in place while another program keeps what it packed of the same weights.
  @Test func besideTraining() throws {
    let train = try Graph(building: "train") { g in
      let (x, w) = (g.input("x", .f32, ["B", 20]), g.parameter("w", .f32, [20, 30]))
      let loss = (matmul(x, w) * matmul(x, w)).mean()
      w.update(to: w - 0.1 * gradients(of: loss, with: [w])[0])
      return loss
    }.compile(options())
    let program = try Self.evaluation().compile(options())
    var state = Self.state(seed: 3)
    let _: NDArray = try train(x, updating: &state)
    let address = state["w"]!.bytes.baseAddress
    for _ in 0..<4 {
      #expect(try packings(program, &state) == 2)
      #expect(try packings(program, &state) == 0)
      let _: NDArray = try train(x, updating: &state)
    }
    #expect(state["w"]!.bytes.baseAddress == address)
  }

  /// Memory that its owner may write to is packed at each call, unless the owner says that nobody does.
  @Test(arguments: [false, true]) func memoryOfOthers(_ isConstant: Bool) throws {
    let program = try Self.evaluation().compile(options())
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 20 * 30 * 4, alignment: 64)
    let numbers = bytes.bindMemory(to: Float.self)
    numbers.initialize(repeating: 0.25)
    var state = Self.state(seed: 4)
    state["w"] = try NDArray(
      element: .f32, shape: [20, 30], storage: ArrayStorage(bytes: bytes, isConstant: isConstant) { $0.deallocate() })
    #expect(try packings(program, &state) == 2)
    if !isConstant { numbers[7] = -3 }
    #expect(try packings(program, &state) == (isConstant ? 0 : 2))
  }

  /// Calls that run at once are given different states.
  @Test func concurrentCalls() async throws {
    let program = try Self.evaluation().compile(options(threads: 1))
    let x = x
    let expected = try (0..<3).map { seed in
      var state = Self.state(seed: seed)
      return try program.run(x.map { ($0.key, $0.value) }, states: &state.arrays)[0].floats()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          var state = Self.state(seed: task % 3)
          for _ in 0..<50 {
            let got = try program.run(x.map { ($0.key, $0.value) }, states: &state.arrays)[0].floats()
            #expect(got == expected[task % 3])
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Graphs of random ops that read states: the same ones twice, then others.
  @Test(arguments: 0..<24) func randomGraphs(_ number: Int) throws {
    let random = try RandomGraph(seed: UInt64(number + 500))
    var graph = random.graph
    graph.makeParametersInputs()
    // A result of a state's name would be its update.
    for argument in graph.arguments
    where graph.type(argument.value).element.isFloat && !graph.resultNames.contains(graph.name(argument.value)) {
      graph.makeState(argument.value)
    }
    _ = try Verified(graph)
    let names = Set(graph.arguments.filter { $0.role == .state }.map { graph.name($0.value) })
    for target in hostTargets {
      let compiled = try graph.compile(options(target))
      for binding in random.bindings.prefix(2) {
        let all = try random.inputs(binding)
        let others = try randomInputs(graph, binding, seed: 77)
        let changed = all.merging(others.filter { names.contains($0.key) }) { $1 }
        for given in [all, all, changed, all] {
          let reference = try GraphInterpreter.evaluate(graph, inputs: given)
          var states = try arrays(given.filter { names.contains($0.key) })
          let inputs = try given.filter { !names.contains($0.key) }.map { ($0.key.text, try NDArray($0.value)) }
          let outputs = try compiled.run(inputs, states: &states)
          for (position, (name, array)) in reference.enumerated() {
            let difference = try difference(outputs[position], array, .loose)
            #expect(difference == nil, "%\(name)\n\(graph.text)\n\(compiled.program.text)")
          }
        }
      }
    }
  }

  private func arrays(_ given: [Name: ReferenceArray]) throws -> [String: NDArray] {
    try Dictionary(uniqueKeysWithValues: given.map { ($0.key.text, try NDArray($0.value)) })
  }
}

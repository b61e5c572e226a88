import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// What calls make of states, compiled, against the interpreter.
@Suite struct StateTests {
  /// Runs both for some calls and compares results and states after each.
  private func expectSteps(
    _ graph: Graph, _ inputs: [[Name: ReferenceArray]], _ states: [Name: ReferenceArray], _ tolerance: Tolerance = .loose,
    target: Target = .host, sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let compiled = try graph.compile(options(target))
    var (held, arrays) = (states, try Dictionary(uniqueKeysWithValues: states.map { ($0.key.text, try NDArray($0.value)) }))
    for (step, input) in inputs.enumerated() {
      let reference = try GraphInterpreter.evaluate(graph, inputs: input.merging(held) { $1 })
      let given = try input.map { (name: $0.key.text, array: try NDArray($0.value)) }
      let guarding = GuardedMemory.allCases[step % 2]
      let outputs = try compiled.run(given, states: &arrays, guarding: guarding)
      for (position, (name, array)) in reference.enumerated() {
        let isUpdate = position >= graph.returnedCount
        let got = isUpdate ? arrays[name.text]! : outputs[position]
        if let difference = try difference(got, array, tolerance) {
          Issue.record(
            "step \(step) %\(name): \(difference)\n\(graph.text)\n\(compiled.program.text)", sourceLocation: sourceLocation)
          return
        }
        // From the same numbers on.
        if isUpdate { held[name] = ReferenceArray(got) }
      }
    }
  }

  private func numbers(_ graph: Graph, _ roles: Set<Argument.Role>, _ binding: [Name: Int], seed: UInt64) throws -> [Name:
    ReferenceArray]
  {
    let names = Set(graph.arguments.filter { roles.contains($0.role) }.map { graph.name($0.value) })
    return try randomInputs(graph, binding, seed: seed).filter { names.contains($0.key) }
  }

  private func expectSteps(
    _ graph: Graph, at binding: [Name: Int], _ tolerance: Tolerance = .loose, target: Target = .host,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let inputs = try (1...3).map { try numbers(graph, [.input], binding, seed: $0) }
    try expectSteps(
      graph, inputs, numbers(graph, [.state], binding, seed: 9), tolerance, target: target, sourceLocation: sourceLocation)
  }

  /// Updates that read states before and after others, in other orders, and return what was.
  private static let bodies = [
    "%n = multiply %a, 2.0 update %a = %n return %n",
    "%n = multiply %a, 2.0 update %a = %n return %a as %old, %n",
    "%n = add %a, %b %m = subtract %a, %b update %a = %n update %b = %m return %x",
    "update %a = %b update %b = %a return %x",
    "%t = transpose %a {permutation = [1, 0]} update %a = %t return %x",
    "%t = transpose %a {permutation = [1, 0]} %n = add %a, %t update %a = %n return %x",
    "%n = contract %a, %b {subscripts = \"ij,jk->ik\"} update %a = %n return %x",
    "%n = contract %x, %b {subscripts = \"ij,jk->ik\"} %y = multiply %a, 3.0 update %a = %n return %y",
    "%n = contract %x, %b {subscripts = \"ij,jk->ik\"} %m = add %n, %a update %a = %m return %n",
    "%n = add %a, %x %p = contract %n, %b {subscripts = \"ij,jk->ik\"} %q = contract %a, %b {subscripts = \"ij,jk->ik\"} "
      + "%d = subtract %q, %p update %a = %n return %d",
    "%n = tanh %a %m = tanh %n update %a = %n update %b = %m return %x",
    "%n = tanh %x update %a = %n update %b = %n return %n",
    "%s = softmax %a {dim = 1} update %a = %s return %x",
    "%s = scan %a {dim = 0, kind = add} update %a = %s return %x",
    "%r = reshape %a : f32[N*N] %m = multiply %r, %r %n = reshape %m : f32[N, N] update %a = %n return %r",
    "%h = slice %a {start = [1, 0], stop = [N, N]} %p = pad %h {low = [0, 0], high = [1, 0], value = 0.0} update %a = %p return %h",
    "%i = convert %b : i32[N, N] %j = reduce %i {dims = [1], kind = maximum} %n = scatter %a, %j, %x {dim = 0} update %a = %n return %n",
    "%j = iota {dim = 0} : i32[N] %n = scatter %a, %j, %a {dim = 1} update %a = %n return %x",
    "%j = iota {dim = 0} : i32[N] %k = subtract %j, 1 %n = scatter %a, %k, %x {dim = 1} %s = reduce %a {dims = [0, 1], kind = add} "
      + "update %a = %n return %s",
    "%j = iota {dim = 0} : i32[N] %n = scatter %a, %j, %x {dim = 0} %y = gather %a, %j {dim = 0} %z = add %y, %n update %a = %n return %z",
    "%w = convert %a : bf16[N, N] %v = convert %w : f32[N, N] update %a = %v return %w",
    "update %a = %x return",
  ]

  @Test(arguments: bodies) func everyOrder(_ body: String) throws {
    let graph = try graph("%x: f32[N, N], state %a: f32[N, N], state %b: f32[N, N]", body)
    #expect(try Graph.parse(graph.text)[0].text == graph.text)
    for size in body.contains("N - 1") || body.contains("[1, 0]") ? [5, 1, 33] : [5, 1, 33, 0] {
      try expectSteps(graph, at: ["N": size], target: hostTargets[size % hostTargets.count])
    }
  }

  /// A state and its update whose extents are equal by a fact.
  @Test func equalByAFact() throws {
    let graph = try graph(
      "%x: f32[M], state %a: f32[N]", "%z = multiply %x, 2.0 %n = add %x, %z update %a = %n return %a as %old", facts: "M == N")
    for size in [5, 1, 300] { try expectSteps(graph, at: ["M": size, "N": size]) }
  }

  /// Graphs of random ops of which results replace arguments of their types.
  @Test(arguments: 0..<24) func randomGraphs(_ number: Int) throws {
    for position in 0..<4 {
      let seed = UInt64(number * 10 + position + 1)
      let random = try RandomGraph(seed: seed)
      guard let graph = Self.withStates(random.graph, seed: seed) else { continue }
      _ = try Verified(graph)
      for binding in random.bindings.prefix(2) {
        let all = try random.inputs(binding)
        let names = Set(graph.arguments.filter { $0.role == .state }.map { graph.name($0.value) })
        try expectSteps(
          graph, [all.filter { !names.contains($0.key) }], all.filter { names.contains($0.key) },
          target: hostTargets[number % hostTargets.count])
      }
    }
  }

  /// The graph with states in place of some arguments, each replaced by a value of its type.
  private static func withStates(_ graph: Graph, seed: UInt64) -> Graph? {
    var numbers = SeededGenerator(seed: seed)
    var (new, results, names) = (graph, graph.results, graph.resultNames)
    new.makeParametersInputs()
    for argument in graph.arguments where graph.type(argument.value).element.isFloat {
      let type = graph.type(argument.value)
      let values = graph.body.flatMap(graph.results).filter { graph.type($0) == type }
      guard let value = values.randomElement(using: &numbers), !names.contains(graph.name(argument.value)) else { continue }
      new.makeState(argument.value)
      results.append(value)
      names.append(graph.name(argument.value))
    }
    guard results.count > graph.results.count else { return nil }
    new.setResults(results, names: names)
    return new
  }

  /// Two moments and the weights in one pass, in place.
  private static func adam() throws -> Graph {
    try Graph(building: "adam") { g in
      let x = g.input("x", .f32, ["B", 20])
      let (w, m, v) = (
        g.parameter("w", .f32, [20, 30]), g.state("m", .f32, [20, 30], initial: 0), g.state("v", .f32, [20, 30], initial: 0)
      )
      let error = tanh(matmul(x, w)) - 1
      let loss = (error * error).mean()
      let gradient = gradients(of: loss, with: [w])[0]
      let (first, second) = (m.update(to: 0.9 * m + 0.1 * gradient), v.update(to: 0.99 * v + 0.01 * gradient * gradient))
      w.update(to: w - 0.1 * first / (sqrt(second) + 1e-8))
      return loss
    }
  }

  @Test func updatesAreInPlace() throws {
    let graph = try Self.adam()
    #expect(graph.states.map(\.name) == ["w", "m", "v"])
    let compiled = try graph.compile(options())
    let program = compiled.program
    #expect(!program.kernels.contains { $0.name.text.hasPrefix("copy") }, "\(program)")
    #expect(!compiled.remarks.description.contains("copied"))
    try expectSteps(graph, at: ["B": 7])

    // The memory stays where it is, unless something else sees it.
    var state = try graph.initialState(["w": .random([20, 30], seed: 1)])
    let x: [String: NDArray] = ["x": .random([4, 20], seed: 2)]
    let _: NDArray = try compiled(x, updating: &state)
    let address = state["w"]!.bytes.baseAddress
    var losses: [Float] = []
    for _ in 0..<50 { losses.append(try (compiled(x, updating: &state) as NDArray).float()) }
    #expect(state["w"]!.bytes.baseAddress == address)
    #expect(losses.last! < losses[0] / 2)
    let (kept, copy) = (state, try state["w"]!.floats())
    let _: NDArray = try compiled(x, updating: &state)
    #expect(try kept["w"]!.floats() == copy)
    #expect(try state["w"]!.floats() != copy)
    #expect(state["w"]!.bytes.baseAddress != address)
  }

  @Test func threads() throws {
    let graph = try Self.adam()
    let states = try [1, 2, 3].map { threads in
      let compiled = try graph.compile(options(threads: threads))
      var state = try graph.initialState(["w": .random([20, 30], seed: 1)])
      for step in 0..<5 { let _: NDArray = try compiled(["x": .random([40, 20], seed: step)], updating: &state) }
      return try state.names.map { try state[$0]!.floats().map(\.bitPattern) }
    }
    #expect(states[0] == states[1] && states[0] == states[2])
  }

  /// Keys and values of one token after the other.
  @Test(arguments: floatTypes) func cache(_ element: ElementType) throws {
    let graph = try Graph(building: "decode") { g in
      let (q, k, v) = (
        g.input("q", element, [2, "M", 8]), g.input("k", element, [2, "M", 8]), g.input("v", element, [2, "M", 8])
      )
      let position = g.input("position", .i32)
      let keys = g.state("keys", element, [2, "N", 8], initial: 0).update(at: position, with: k)
      let values = g.state("values", element, [2, "N", 8], initial: 0).update(at: position, with: v)
      let scores = matmul(q, keys.transposed()) * 0.3
      let (i, j) = (scores.index(1), scores.index(2))
      return matmul(softmax(scores.where(j <= i + position, else: -.infinity)), values).named("out")
    }
    let compiled = try graph.compile(options())
    #expect(!compiled.program.kernels.contains { $0.name.text.hasPrefix("copy") }, "\(compiled.program)")
    var state = try graph.initialState(sizes: ["N": 40])
    var reference = state
    for (position, count) in [(0, 7), (7, 1), (8, 1), (9, 13), (38, 4)] {
      var inputs: [String: NDArray] = ["position": try NDArray([Int32(position)], [])]
      for (number, name) in ["q", "k", "v"].enumerated() {
        inputs[name] = NDArray.random([2, count, 8], seed: position * 3 + number).converted(to: element)
      }
      let got: NDArray = try compiled(inputs, updating: &state)
      let expected = try graph.interpret(inputs, updating: &reference)
      #expect(try difference(got, ReferenceArray(expected[0]), .loose) == nil)
      for name in ["keys", "values"] { #expect(ReferenceArray(state[name]!) == ReferenceArray(reference[name]!)) }
    }
  }
}

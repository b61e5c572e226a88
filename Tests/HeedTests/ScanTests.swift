import Heed
import HeedInterpreter
import Testing

/// Recurrences written with `scan`.
@Suite struct ScanTests {
  private static let (inputs, size, batch) = (3, 4, 2)

  /// The loss of a gated recurrent unit over T steps, and the gradients of its parameters and of the first state.
  private static func scanned(_ checkpoints: ScanCheckpoints = .everyStep) throws -> Graph {
    try Graph(building: "scanned") { g in
      let x = g.input("x", .f32, ["T", Extent(batch), Extent(inputs)])
      let start = g.input("start", .f32, [Extent(batch), Extent(size)])
      let states = GRU("gru", in: g, inputs: inputs, size: size)(x, initial: start, checkpoints: checkpoints)
      let loss = (states.output * states.output).sum() + states.state.sum()
      return [loss.named("loss")] + gradients(of: loss, with: g.parameters + [start, x])
    }
  }

  /// The same, every step written by itself.
  private static func unrolled(_ steps: Int) throws -> Graph {
    try Graph(building: "unrolled") { g in
      let x = g.input("x", .f32, [Extent(steps), Extent(batch), Extent(inputs)])
      let start = g.input("start", .f32, [Extent(batch), Extent(size)])
      let maps = GRU("gru", in: g, inputs: inputs, size: size).maps
      let mapped = maps.input(x)
      var (h, loss) = (start, g.constant(0.0))
      for step in 0..<steps {
        let (x, u) = (mapped[step].split(3), maps.hidden(h).split(3))
        let (reset, update) = (sigmoid(x[0] + u[0]), sigmoid(x[1] + u[1]))
        let new = tanh(x[2] + reset * u[2])
        h = new + update * (h - new)
        loss += (h * h).sum()
      }
      loss += h.sum()
      return [loss.named("loss")] + gradients(of: loss, with: g.parameters + [start, x])
    }
  }

  private static func arguments(_ steps: Int) -> [Name: NDArray] {
    [
      "x": .uniform([steps, batch, inputs], in: -1..<1, seed: 1), "start": .uniform([batch, size], in: -1..<1, seed: 2),
      "gru.input.weight": .uniform([3 * size, inputs], in: -0.5..<0.5, seed: 3),
      "gru.input.bias": .uniform([3 * size], in: -0.5..<0.5, seed: 4),
      "gru.hidden.weight": .uniform([3 * size, size], in: -0.5..<0.5, seed: 5),
      "gru.hidden.bias": .uniform([3 * size], in: -0.5..<0.5, seed: 6),
    ]
  }

  private static func evaluated(_ graph: Graph, _ steps: Int) throws -> [[Double]] {
    let arguments = arguments(steps).mapValues { ReferenceArray($0.converted(to: .f64)) }
    return try GraphInterpreter.evaluate(graph.inDoublePrecision(), inputs: arguments).map(\.array.reals)
  }

  private static func distance(_ a: [[Double]], _ b: [[Double]]) -> Double {
    zip(a, b).map { a, b in
      guard a.count == b.count else { return .infinity }
      let scale = b.map(abs).max() ?? 1
      return zip(a, b).map { abs($0 - $1) / max(scale, 1e-30) }.max() ?? 0
    }.max() ?? .infinity
  }

  /// Gradients of a loop are those of its steps written out, in f64.
  @Test(arguments: [1, 2, 33, 512]) func gradientsAreThoseOfTheStepsWrittenOut(_ steps: Int) throws {
    let expected = try Self.evaluated(Self.unrolled(steps), steps)
    for checkpoints in [ScanCheckpoints.everyStep, .squareRoot] {
      let distance = Self.distance(try Self.evaluated(Self.scanned(checkpoints), steps), expected)
      #expect(distance < 1e-12, "\(steps) steps, \(checkpoints): \(distance)")
    }
  }

  /// One program for any number of steps, in f32.
  @Test(arguments: [ScanCheckpoints.everyStep, .squareRoot]) func oneProgramForAllLengths(_ checkpoints: ScanCheckpoints) throws {
    let graph = try Self.scanned(checkpoints)
    let program = try graph.compile(CompileOptions(threads: 2))
    for steps in [0, 1, 2, 7, 16, 512] {
      let expected = try Self.evaluated(graph, steps)
      var arguments = Dictionary(uniqueKeysWithValues: Self.arguments(steps).map { ($0.key.text, $0.value) })
      let given = ["x": arguments.removeValue(forKey: "x")!, "start": arguments.removeValue(forKey: "start")!]
      let got = try program.load(parameters: arguments)(given).map { try $0.converted(to: .f64).doubles() }
      #expect(Self.distance(got, expected) < 2e-5, "\(steps) steps: \(Self.distance(got, expected))")
    }
  }

  /// The bytes of intermediate memory of a gradient whose states are large and whose rows are small.
  private static func workspace(_ checkpoints: ScanCheckpoints, _ steps: Int) throws -> Int {
    let graph = try Graph(building: "large") { g in
      let x = g.input("x", .f32, ["T", 1])
      let scanned = g.scan(over: [x], initial: [g.full([128, 128], 0.1)], checkpoints: checkpoints) { states, row in
        ([tanh(states[0] * g.parameter("w", .f32, [128]) + row[0])], [])
      }
      return gradients(of: scanned.state.sum(), with: g.parameters)
    }
    let program = try graph.compile().program
    let root = Int(Double(steps).squareRoot().rounded(.up))
    var slots: [Int: Int] = [:]
    for buffer in program.buffers {
      guard case .slot(let slot) = buffer.storage else { continue }
      let count = try buffer.type.shape.count.evaluate { ["T": steps, "sqrt_T": root][$0.text] }
      slots[slot] = max(slots[slot] ?? 0, count * buffer.type.element.byteCount)
    }
    return slots.values.reduce(0, +)
  }

  @Test func memoryGrowsWithTheSquareRoot() throws {
    let whole = try [256, 4096].map { try Self.workspace(.everyStep, $0) }
    let roots = try [256, 4096].map { try Self.workspace(.squareRoot, $0) }
    #expect(Double(whole[1]) / Double(whole[0]) > 12, "\(whole)")
    #expect(Double(roots[1]) / Double(roots[0]) < 4.2, "\(roots)")
    #expect(roots[1] * 12 < whole[1], "\(roots) \(whole)")
  }

  /// Steps may make parameters, scan themselves, and read arguments and numbers of the graph.
  @Test func stepsOfSteps() throws {
    let graph = try Graph(building: "nested") { g in
      let x = g.input("x", .f32, ["T", "S", 2])
      let scale = g.parameter("scale", .f32, [2])
      let outer = g.scan(over: x, initial: g.full([2], 0.5), checkpoints: .squareRoot) { state, rows in
        let offset = g.parameter("offset", .f32, [2])
        let inner = g.scan(over: rows, initial: state, checkpoints: .squareRoot) { state, row in tanh(state * scale + row + offset)
        }
        return inner.state * 0.5 + inner.output.sum(0) * 0.25
      }
      return [outer.output.named("states")] + gradients(of: outer.output.sum(), with: g.parameters + [x])
    }
    let program = try graph.compile()
    for (steps, inner) in [(1, 1), (3, 5), (10, 4)] {
      let x = NDArray.uniform([steps, inner, 2], in: -1..<1, seed: 7)
      let parameters = ["scale": NDArray.uniform([2], in: -1..<1, seed: 8), "offset": NDArray.uniform([2], in: -1..<1, seed: 9)]
      var arguments = parameters.mapValues { ReferenceArray($0.converted(to: .f64)) }
      arguments["x"] = ReferenceArray(x.converted(to: .f64))
      let expected = try GraphInterpreter.evaluate(
        graph.inDoublePrecision(), inputs: Dictionary(uniqueKeysWithValues: arguments.map { (Name($0.key), $0.value) }))
      let got = try program.load(parameters: parameters)(["x": x]).map { try $0.converted(to: .f64).doubles() }
      #expect(Self.distance(got, expected.map(\.array.reals)) < 2e-5)
    }
  }

  @Test func mistakes() throws {
    func failure(_ body: (GraphBuilder) throws -> Tensor) -> String {
      do { _ = try Graph(building: "g") { try body($0) } } catch { return "\(error)" }
      return ""
    }
    let otherType = failure { g in
      let x = g.input("x", .f32, ["T", 3])
      return g.scan(over: x, initial: g.full([3], 0.0)) { h, _ in h.sum() }.output
    }
    #expect(otherType.contains("scan: got a new state f32, expected the state's type f32[3]"), "\(otherType)")
    let noRows = failure { g in g.scan(over: g.input("x", .f32), initial: g.full([3], 0.0)) { h, _ in h }.output }
    #expect(noRows.contains("expected one with a dimension of steps"), "\(noRows)")
    let lengths = failure { g in
      g.scan(over: [g.input("x", .f32, ["T", 3]), g.input("y", .f32, ["S", 3])], initial: []) { _, rows in ([], [rows[0]]) }.output
    }
    #expect(lengths.contains("got S rows of %y: f32[S, 3], expected T as of the first sequence"), "\(lengths)")
    let updated = failure { g in
      let count = g.state("count", .f32, initial: 0)
      return g.scan(over: g.input("x", .f32, ["T", 3]), initial: g.full([3], 0.0)) { h, x in
        count.update(to: count + 1)
        return h + x
      }.output
    }
    #expect(updated.contains("got an update inside a step"), "\(updated)")
    let fewer = failure { g in
      g.scan(over: [g.input("x", .f32, ["T", 3])], initial: [g.full([3], 0.0)]) { _, rows in ([], rows) }.output
    }
    #expect(fewer.contains("got 0 states from the step, expected 1"), "\(fewer)")
  }
}

import HeedIR
import HeedInterpreter
import HeedLowering
import HeedTestSupport
import Testing

/// Programs that the lowering makes are well formed, print, parse, and give by their definition what the graph gives by its own.
@Suite struct LoweredProgramTests {
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func randomGraphs(seed: UInt64) throws {
    let random = try RandomGraph(seed: seed, options: .compiled)
    try check(random.graph, on: random.bindings.map { try random.inputs($0) }, "\(random)")
  }

  /// Where a dimension of extent 1 or a broadcast one is padded, indexed from outside, or the only column; and numbers from extents.
  @Test(arguments: [
    "%x: f32[S, 4], %w: f32[1, 4]) { %y = contract %x, %w {subscripts = \"sk,nk->sn\"} return %y }",
    "%x: f64[1, 4]) { %y = contract %x, %x {subscripts = \"ab,zb->az\"} return %y }",
    "%x: f32[S]) { %b = broadcast %x {dims = [1]} : f32[3, S] %y = pad %b {low = [S, 1], high = [0, S], value = 0.5} return %y }",
    "%x: f32[S], %i: i32[S]) { %b = broadcast %x {dims = [1]} : f32[9, S] %y = gather %b, %i {dim = 0} return %y }",
    "%x: bool[S]) { %y = not %x return %y }",
    "%x: f32[S]) { %e = extent {value = [S*2 + 1]} : f32 %y = multiply %x, %e return %y }",
    "%x: f32[0, S], %z: f32[S, 0]) { %y = transpose %x {permutation = [1, 0]} %e = exp %y %t = add %e, %z return %e, %t }",
  ])
  func edges(text: String) throws {
    let graph = try Graph.parse("graph @edge(" + text)[0]
    try check(graph, on: [0, 1, 5, 49].map { try inputs(of: graph, ["S": $0]) }, text)
  }

  private func inputs(of graph: Graph, _ binding: [Name: Int]) throws -> [Name: ReferenceArray] {
    var generator = SeededGenerator(seed: 1)
    var inputs: [Name: ReferenceArray] = [:]
    for argument in graph.arguments {
      let type = graph.type(argument.value)
      inputs[graph.name(argument.value)] = generator.array(type.element, try type.shape.evaluate { binding[$0] })
    }
    return inputs
  }

  private func check(_ graph: Graph, on inputs: [[Name: ReferenceArray]], _ context: String) throws {
    let lowered = try lower(try Verified(graph), for: .named("x86-64-avx512"))
    let text = lowered.program.text
    do {
      let program = try Verified(lowered.program)
      #expect(try Program.parse(text).map(\.text) == [text], "\(context)")
      for inputs in inputs {
        let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)
        let got = try ProgramEvaluator.evaluate(program, inputs: inputs)
        for ((name, expected), (_, got)) in zip(expected, got) where !Self.agree(got, expected) {
          Issue.record("%\(name) differs\n\(context)\nexpected \(expected)\ngot \(got)\n\(text)")
        }
      }
    } catch {
      Issue.record("\(error)\n\(context)\n\(text)")
    }
  }

  /// Equal but for the rounding of what is stored on the way.
  private static func agree(_ got: ReferenceArray, _ expected: ReferenceArray) -> Bool {
    guard got.element == expected.element, got.shape == expected.shape else { return false }
    if !got.element.isFloat { return got.integers == expected.integers }
    return zip(got.reals, expected.reals).allSatisfy { a, b in
      (a.isNaN && b.isNaN) || a == b || abs(a - b) <= 1e-4 * max(1, abs(a), abs(b))
    }
  }
}

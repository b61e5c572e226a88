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

  /// Masks in every schedule of attention: nothing is read that was not written, nothing outside, nothing written twice.
  @Test(arguments: [
    // Documents by a table: granules, then pairs.
    "%a = element %t[%i] : i32 %c = element %t[%j] : i32 %d = equal %a, %c : bool %e = less_equal %j, %i : bool %r = and %d, %e : bool",
    // A window of the call's length: bands that pack their keys.
    "%w = element %n[%b] : i32 %d = subtract %i, %j : i32 %e = less %d, %w : bool %f = less_equal %j, %i : bool %r = and %e, %f : bool",
    // A table of blocks, odd ones out, and a length.
    """
    %a = divide %i, 9 : i32 %c = divide %j, 7 : i32 %d = remainder %a, 3 : i32 %e = remainder %c, 3 : i32
    %f = element %m[%d, %e] : bool %w = element %n[%b] : i32 %g = less %j, %w : bool %r = and %f, %g : bool
    """,
    // Floats with NaN among them, and bits.
    """
    %x = element %p[%i] : f32 %y = element %p[%j] : f32 %d = subtract %x, %y : f32 %e = less %d, 0.5 : bool
    %g = xor %i, %j : i32 %h = and %g, 5 : i32 %k = equal %h, 0 : bool %r = or %e, %k : bool
    """,
  ]) func masks(_ lines: String) throws {
    for (isSelf, isRagged) in [(true, false), (false, false), (true, true)] {
      let (rows, keys) = (isSelf ? "S" : "M", "S")
      let text = """
        graph @masked(%q: f32[2, \(rows), 3], %k: f32[2, \(keys), 3], %v: f32[2, \(keys), 2], %t: i32[200], %p: f32[200], \
        %n: i32[2], %m: bool[3, 3], %o: i32[B + 1]) {
          %r = attention %q, %k, %v, %t, %p, %n, %m, %o score (%s: f32, %b: i32, %i: i32, %j: i32) { yield %s }
          where (%b: i32, %i: i32, %j: i32) {
            \(lines)
            yield %r
          } {\(isRagged ? "ragged = 4, " : "")tile = [16, 48]} : f32[2, \(rows), 2]
          return %r
        }
        """
      let graph = try Graph.parse(text)[0]
      let inputs = try [(0, 0), (1, 1), (3, 130), (37, 101)].map { few, length in
        var inputs = try self.inputs(of: graph, ["S": length, "M": few, "B": 2])
        inputs["o"] = ReferenceArray(.i32, [3], integers: [0, Int64(length / 3), Int64(length)])
        inputs["n"] = ReferenceArray(.i32, [2], integers: [Int64(length), 5])
        inputs["t"] = ReferenceArray(.i32, [200], integers: (0..<200).map { Int64($0 * $0 / 700 % 5) })
        inputs["p"]!.reals[40] = .nan
        return inputs
      }
      try check(graph, on: inputs, text)
    }
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

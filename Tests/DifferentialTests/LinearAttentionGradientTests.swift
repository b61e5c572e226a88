import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Compiled derivatives of linear attention against the interpreter's.
@Suite struct LinearAttentionGradientTests {
  /// Linear attention of the language with heads that share keys, and decays.
  private static func graph(_ element: ElementType, normalized: Bool) -> Graph {
    Graph("gradients") { g in
      let (q, k) = (g.input("q", element, ["B", 4, "S", 16]), g.input("k", element, ["B", 2, "S", 16]))
      let v = g.input("v", element, ["B", 2, "S", 24])
      let decay = g.input("decay", element.computed, [4, 1])
      let rates = -exp(decay)
      let out = linearAttention(
        exp(minimum(q, 0)) + maximum(q, 0), exp(minimum(k, 0)) + maximum(k, 0), v, causal: true, normalized: normalized,
        epsilon: 0.5, logDecay: rates)
      let loss = (out * g.input("c", element, ["B", 4, "S", 24])).sum()
      return gradients(of: loss, with: [q, k, v, decay])
    }
  }

  @Test(arguments: floatTypes, [true, false]) func language(_ element: ElementType, _ normalized: Bool) throws {
    let graph = Self.graph(element, normalized: normalized)
    let sizes: [[Name: Int]] = [["B": 2, "S": 45], ["B": 1, "S": 1], ["B": 1, "S": 0], ["B": 1, "S": 16]]
    let inputs = try sizes.map { size in
      var inputs = try randomInputs(graph, size)
      for name in ["q", "k"] as [Name] { inputs[name]!.reals = inputs[name]!.reals.map { element.round($0 / 2) } }
      return inputs
    }
    var tolerance = Tolerance.loose
    // What is computed of 16-bit floats is as uncertain, whatever its type.
    if element.byteCount == 2 { tolerance.f32 = element.roundoff }
    try expectAgreement(graph, inputs, tolerance, note: "\(element) ")
  }

  /// Gradients of decays that leave a millionth are as exact as those of others: what has no decay is not among them.
  @Test func strongDecays() throws {
    let graph = try DifferentialTests.graph(
      "%q: f32[S, 8], %k: f32[S, 8], %v: f32[S, 9], %d: f32[S], %c: f32[S, 9]",
      """
      %o = linear_attention %q, %k, %v, %d {decay = 0}
      %g = vjp %o, %c, %d {outputs = 1} : f32[S]
      return %g
      """)
    var inputs = try randomInputs(graph, ["S": 300])
    inputs["d"]!.reals = inputs["d"]!.reals.map { $0 / 4 - 14 }
    // Sums of 16 logarithms are rounded at 224.
    var tolerance = Tolerance(f32: 1e-4)
    tolerance.least = 0
    try expectAgreement(graph, [inputs], tolerance)
  }

  /// Factors of 0 among others: no NaN in either mode.
  @Test(arguments: [ElementType.f32, .bf16]) func forgets(_ element: ElementType) throws {
    let forward = try DifferentialTests.graph(
      "%q: \(element)[S, 8], %k: \(element)[S, 8], %v: \(element)[S, 9], %d: f32[S], %s: f32[8, 9]",
      "%o, %t = linear_attention %q, %k, %v, %d, %s {decay = 0, final_state = true, state = 1} return %o, %t")
    for graph in [try forward.reverseGraph(), try forward.forwardGraph()] {
      var inputs = try randomInputs(graph, ["S": 50])
      inputs["d"]!.reals = inputs["d"]!.reals.enumerated().map { [1, 2, 33].contains($0) ? -.infinity : $1 / 8 - 0.25 }
      let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)
      #expect(expected.allSatisfy { $0.array.reals.allSatisfy(\.isFinite) })
      try expectAgreement(graph, [inputs], .loose)
    }
  }

  /// The product of all pairs, of which linear attention is made first: its gradient is linear as well.
  @Test func written() throws {
    let graph = Graph("written") { g in
      let (q, k, v) = (g.input("q", .f32, [2, "S", 8]), g.input("k", .f32, [2, "S", 8]), g.input("v", .f32, [2, "S", 9]))
      let gates = g.input("f", .f32, [2, "S"])
      let sums = log(sigmoid(gates + 3)).cumulativeSum(1)
      let weights = matmul(q, k.transposed()) * tril(exp(sums.expandingDimension(2) - sums.expandingDimension(1)))
      let loss = (matmul(weights, v) * g.input("c", .f32, [2, "S", 9])).sum()
      return gradients(of: loss, with: [q, k, v, gates])
    }
    try expectNoPairs(graph.compile(options()).graph, "S")
    try expectAgreement(graph, at: [["S": 40], ["S": 1]], .loose)
  }

  /// Memory is linear in the number of rows: no value has it twice.
  @Test(arguments: [1, 2]) func noPairs(_ order: Int) throws {
    let form = try #require(LinearAttentionForm.all.first { $0.description == "decay normalized state final" })
    var graph = try form.gradientCase.graph(.f32)
    for level in 0..<order { graph = try graph.reverseGraph("cotangent_\(level)_") }
    try expectNoPairs(graph.compile(options()).graph, "N")
  }

  private func expectNoPairs(_ graph: Graph, _ rows: Extent) throws {
    let values = graph.body.flatMap { Array(graph.results($0)) }
    #expect(values.contains { graph.type($0).shape.extents.contains(rows) })
    for value in values {
      #expect(graph.type(value).shape.extents.count { $0 == rows } < 2, "\(graph.description(of: value))")
    }
  }
}

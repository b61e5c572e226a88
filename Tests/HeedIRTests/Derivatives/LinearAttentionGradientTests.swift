import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// The derivatives of linear attention: every combination of its attributes, and rows that have none.
@Suite struct LinearAttentionGradientTests {
  @Test(arguments: LinearAttentionForm.all) func everyForm(_ form: LinearAttentionForm) throws {
    let test = form.gradientCase
    let graph = try test.graph()
    for (position, size) in test.sizes.enumerated() {
      let inputs = try test.inputs(graph, size, seed: UInt64(position + 1))
      var check = DirectionalCheck()
      check.directions = 1
      let failures = try check.failures(of: graph, at: inputs)
      #expect(failures.isEmpty, "\(form) at \(size)")
    }
  }

  /// The gradients of `graph` by name, for cotangents of 1.
  private func gradients(_ graph: Graph, _ inputs: [Name: ReferenceArray]) throws -> [String: [Double]] {
    var inputs = inputs
    let reverse = try graph.reverseGraph()
    for argument in reverse.arguments where reverse.name(argument.value).text.hasPrefix("cotangent") {
      let type = reverse.type(argument.value)
      let shape = try type.shape.evaluate { $0 == "N" ? inputs["q"]!.shape[0] : nil }
      inputs[reverse.name(argument.value)] = .generated(type.element, shape) { _ in Literal(1.0) }
    }
    let results = try GraphInterpreter.evaluate(try reverse.expandingDerivatives(), inputs: inputs)
    return Dictionary(
      uniqueKeysWithValues: zip(graph.differentiableArguments, results).map { (graph.name($0).text, $1.array.reals) })
  }

  private static let rows = "%q: f64[N, 1], %k: f64[N, 1], %v: f64[N, 1]"

  /// Row 1 has a sum of 0: it is 0 and has 0, and keys have nothing from it.
  @Test func aRowWithoutWeight() throws {
    let graph = try Graph.parse(
      "graph @f(\(Self.rows)) { %o = linear_attention %q, %k, %v {epsilon = 0.0} return %o }")[0]
    let found = try gradients(
      graph,
      [
        "q": ReferenceArray(.f64, [3, 1], reals: [1, 0, 2]), "k": ReferenceArray(.f64, [3, 1], reals: [1, 1, 2]),
        "v": ReferenceArray(.f64, [3, 1], reals: [8, 4, 2]),
      ])
    // Rows 0 and 2 are weighted means, of values 8 and of 8, 4 and 2 by 1/4, 1/4 and 1/2.
    #expect(found["q"] == [0, 0, 0])
    #expect(found["k"] == [1, 0, -0.5])
    #expect(found["v"] == [1.25, 0.25, 0.5])
  }

  /// A decay that nothing is before has exactly 0: that of the first row, of a segment's first row, and a factor of 0.
  @Test func decaysOfNothing() throws {
    let graph = try Graph.parse(
      "graph @f(\(Self.rows), %d: f64[N], %o: i32[3]) { %r = linear_attention %q, %k, %v, %d, %o {decay = 0, ragged = 1} return %r }"
    )[0]
    let number = [0.3, 0.7, 1.1, 1.3, 1.7]
    var inputs: [Name: ReferenceArray] = ["d": ReferenceArray(.f64, [5], reals: [-0.1, -0.2, -0.3, -.infinity, -0.5])]
    for name in ["q", "k", "v"] as [Name] { inputs[name] = ReferenceArray(.f64, [5, 1], reals: number) }
    inputs["o"] = ReferenceArray(.i32, [3], integers: [0, 2, 5])
    let found = try gradients(graph, inputs)["d"]!
    #expect(found[0] == 0 && found[2] == 0 && found[3] == 0, "\(found)")
    #expect(abs(found[1] - 0.7 * 0.09 * 0.8187307530779818) < 1e-15, "\(found)")
    #expect(abs(found[4] - 1.7 * 1.69 * 0.6065306597126334) < 1e-15, "\(found)")
  }
}

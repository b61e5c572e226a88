import Foundation
import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

private let (inf, nan) = (Double.infinity, Double.nan)

private func f64(_ shape: [Int], _ values: Double...) -> ReferenceArray { ReferenceArray(.f64, shape, reals: values) }
private func i32(_ values: Int64...) -> ReferenceArray { ReferenceArray(.i32, [values.count], integers: values) }

/// What is stated of derivatives where there are none, and at infinities and NaN.
@Suite struct ConventionTests {
  /// The cotangents of the float arguments of a graph of one result.
  private func gradients(_ text: String, _ inputs: [Name: ReferenceArray], _ cotangent: ReferenceArray) throws -> [ReferenceArray] {
    let graph = try Graph.parse(text)[0].reverseGraph()
    var inputs = inputs
    inputs["cotangent0"] = cotangent
    return try GraphInterpreter.evaluate(graph, inputs: inputs).map(\.array)
  }

  /// The derivatives of an elementwise op of one operand at some numbers, in both modes, which must agree.
  private func slopes(_ op: String, _ values: [Double]) throws -> [Double] {
    let graph = try Graph.parse("graph @f(%x: f64[N]) { %r = \(op) return %r }")[0]
    let x = ReferenceArray(.f64, [values.count], reals: values)
    let ones = ReferenceArray(.f64, [values.count], reals: values.map { _ in 1 })
    let forward = try GraphInterpreter.evaluate(graph.forwardGraph(), inputs: ["x": x, "tangent0": ones])[0].array.reals
    let reverse = try GraphInterpreter.evaluate(graph.reverseGraph(), inputs: ["x": x, "cotangent0": ones])[0].array.reals
    #expect(forward.map(\.bitPattern) == reverse.map(\.bitPattern), "\(op): \(forward) \(reverse)")
    return reverse
  }

  @Test func kinks() throws {
    #expect(try slopes("maximum %x, 0.0", [-1, 0, 1, nan]) == [0, 0, 1, 0])
    #expect(try slopes("maximum 0.0, %x", [-1, 0, 1, nan]) == [0, 1, 1, 1])
    #expect(try slopes("minimum %x, 0.0", [-1, 0, 1]) == [1, 0, 0])
    #expect(try slopes("maximum %x, %x", [3]) == [1])
    #expect(try slopes("absolute %x", [-2, 0, -0.0, 3, -inf]) == [-1, 0, 0, 1, -1])
    for op in ["floor", "ceil", "round"] { #expect(try slopes("\(op) %x", [0, 0.5, 1, inf]) == [0, 0, 0, 0]) }
    #expect(try slopes("remainder %x, 3.0", [7, -7, 3]) == [1, 1, 1])
    #expect(try slopes("remainder 7.0, %x", [3, -3, 7]) == [-2, 3, -1])
  }

  @Test func infinities() throws {
    #expect(try slopes("exp %x", [-inf]) == [0])
    #expect(try slopes("exp2 %x", [-inf]) == [0])
    #expect(try slopes("log %x", [inf, 0]) == [0, inf])
    #expect(try slopes("log2 %x", [inf]) == [0])
    #expect(try slopes("sqrt %x", [inf, 0]) == [0, inf])
    #expect(try slopes("rsqrt %x", [inf, 0]) == [0, -inf])
    #expect(try slopes("reciprocal %x", [inf, -inf]) == [0, 0])
    #expect(try slopes("divide 2.0, %x", [inf, -inf]) == [0, 0])
    for op in ["tanh", "sigmoid", "erf"] { #expect(try slopes("\(op) %x", [inf, -inf, 1e300]) == [0, 0, 0], "\(op)") }
    for op in ["gelu", "gelu_tanh", "silu"] {
      #expect(try slopes("\(op) %x", [inf, 1e300, 800, -800, -1e300, -inf]) == [1, 1, 1, 0, 0, 0], "\(op)")
      #expect(try slopes("\(op) %x", [0]) == [0.5], "\(op)")
    }
  }

  /// The second derivatives of the activations vanish far out, and are not NaN.
  @Test(arguments: ["tanh", "sigmoid", "erf", "gelu", "gelu_tanh", "silu"]) func farOut(_ op: String) throws {
    let text = """
      graph @f(%x: f64[N]) {
        %y = \(op) %x
        %number = constant {value = [1.0]} : f64
        %one = broadcast %number {dims = []} : f64[N]
        %d = vjp %y, %one, %x {outputs = 1}
        return %d
      }
      """
    let values = [inf, 1e300, 50, -50, -1e300, -inf]
    let ones = ReferenceArray(.f64, [values.count], reals: values.map { _ in 1 })
    let graph = try Graph.parse(text)[0].expandingDerivatives().reverseGraph()
    let second = try GraphInterpreter.evaluate(
      graph, inputs: ["x": ReferenceArray(.f64, [values.count], reals: values), "cotangent0": ones])
    #expect(second[0].array.reals.allSatisfy { abs($0) < 1e-15 }, "\(second[0].array.reals)")
  }

  /// No digits are lost to differences of nearly equal numbers.
  @Test func tails() throws {
    func expectClose(_ got: Double, _ expected: Double) { #expect(abs(got / expected - 1) < 1e-12, "\(got) \(expected)") }
    expectClose(try slopes("tanh %x", [20])[0], 4 * exp(-40) / pow(1 + exp(-40), 2))
    expectClose(try slopes("sigmoid %x", [40])[0], exp(-40) / pow(1 + exp(-40), 2))
    expectClose(
      try slopes("gelu %x", [-10])[0], 0.5 * erfc(10 * 0.5.squareRoot()) - 10 * exp(-50) / (2 * Double.pi).squareRoot())
    expectClose(try slopes("silu %x", [-40])[0], exp(-40) / (1 + exp(-40)) * (1 - 40 / (1 + exp(-40))))
    expectClose(try slopes("erf %x", [10])[0], 2 / Double.pi.squareRoot() * exp(-100))
  }

  @Test func power() throws {
    let text = "graph @f(%x: f64[N], %y: f64[N]) { %r = power %x, %y return %r }"
    let found = try gradients(
      text, ["x": f64([7], 0, 0, 0, 0, 2, -2, 0), "y": f64([7], 2, 1, 0, 3, 0, 3, 0.5)], f64([7], 1, 1, 1, 1, 1, 1, 1))
    #expect(found[0].reals == [0, 1, 0, 0, 0, 12, inf])
    #expect(Array(found[1].reals.prefix(4)) == [0, 0, 0, 0])
    #expect(found[1].reals[4] == log(2) && found[1].reals[5].isNaN && found[1].reals[6] == 0)
  }

  @Test func whatIsNotChosenHasNoInfluence() throws {
    let text = "graph @f(%c: bool[N], %x: f64[N]) { %l = log %x %r = select %c, %l, 0.0 return %r }"
    let condition = ReferenceArray(.bool, [2], integers: [1, 0])
    #expect(try gradients(text, ["c": condition, "x": f64([2], 2, -1)], f64([2], 1, nan))[0].reals[0] == 0.5)
    let chosen = "graph @f(%c: bool[N], %x: f64[N]) { %r = select %c, %x, 0.0 return %r }"
    #expect(try gradients(chosen, ["c": condition, "x": f64([2], 2, nan)], f64([2], 3, nan))[0] == f64([2], 3, 0))
  }

  @Test func conversions() throws {
    // A cotangent of f32 comes back as the same number.
    let text = "graph @f(%x: f64[N]) { %y = convert %x : f32[N] return %y }"
    let third = Double(Float(1) / 3)
    #expect(try gradients(text, ["x": f64([1], 0.1)], ReferenceArray(.f32, [1], reals: [third]))[0] == f64([1], third))
    let whole = "graph @f(%x: f64[N]) { %n = convert %x : i32[N] %y = convert %n : f64[N] return %y }"
    #expect(try gradients(whole, ["x": f64([1], 2.5)], f64([1], 1))[0] == f64([1], 0))
  }

  @Test func indicesOutside() throws {
    let gather = "graph @f(%t: f64[3, 1], %i: i32[M]) { %r = gather %t, %i {dim = 0} return %r }"
    let indices = i32(2, -1, 2, 3)
    #expect(
      try gradients(gather, ["t": f64([3, 1], 1, 2, 3), "i": indices], f64([4, 1], 1, 2, 4, 8))[0] == f64([3, 1], 0, 0, 5))
    let scatter = "graph @f(%b: f64[3], %i: i32[K], %u: f64[K]) { %r = scatter_add %b, %i, %u {dim = 0} return %r }"
    let found = try gradients(scatter, ["b": f64([3], 0, 0, 0), "i": indices, "u": f64([4], 1, 1, 1, 1)], f64([3], 1, 2, 4))
    #expect(found == [f64([3], 1, 2, 4), f64([4], 4, 0, 4, 0)])
    // What an update replaces has no part in the result.
    let replaced = try gradients(
      scatter.replacingOccurrences(of: "scatter_add", with: "scatter"),
      ["b": f64([3], 0, 0, 0), "i": indices, "u": f64([4], 1, 1, 1, 1)], f64([3], 1, 2, 4))
    #expect(replaced == [f64([3], 1, 2, 0), f64([4], 0, 0, 4, 0)])
  }

  @Test func equalExtrema() throws {
    func reduce(_ kind: String, _ x: ReferenceArray) throws -> ReferenceArray {
      try gradients(
        "graph @f(%x: f64[A, N]) { %r = reduce %x {dims = [1], kind = \(kind)} return %r }", ["x": x],
        ReferenceArray(.f64, [x.shape[0]], reals: (0..<x.shape[0]).map { _ in 6 }))[0]
    }
    let rows = f64([4, 3], 3, 1, 3, 2, 2, 2, -inf, -inf, -inf, 1, nan, 1)
    #expect(try reduce("maximum", rows) == f64([4, 3], 3, 0, 3, 2, 2, 2, 2, 2, 2, 0, 0, 0))
    #expect(try reduce("minimum", rows) == f64([4, 3], 0, 6, 0, 2, 2, 2, 2, 2, 2, 0, 0, 0))
    #expect(try reduce("maximum", f64([2, 0])) == f64([2, 0]))
    #expect(try reduce("multiply", f64([3, 3], 0, 2, 3, 0, 0, 3, 1, 2, 3)) == f64([3, 3], 36, 0, 0, 0, 0, 0, 36, 18, 12))
    let segments = "graph @f(%x: f64[T], %o: i32[B + 1]) { %r = segment_max %x, %o return %r }"
    #expect(
      try gradients(segments, ["x": f64([5], 1, 1, 5, nan, 5), "o": i32(0, 2, 2, 3, 5)], f64([4], 6, 6, 6, 6))[0]
        == f64([5], 3, 3, 6, 0, 0))
  }

  @Test func runningExtrema() throws {
    func scan(_ attributes: String, _ x: ReferenceArray) throws -> ReferenceArray {
      try gradients(
        "graph @f(%x: f64[N]) { %r = scan %x {dim = 0, \(attributes)} return %r }", ["x": x],
        ReferenceArray(.f64, x.shape, reals: x.reals.indices.map { Double(1 << $0) }))[0]
    }
    // The last of equal ones, in the order of the scan.
    #expect(try scan("kind = maximum", f64([4], 1, 3, 3, 2)) == f64([4], 1, 2, 12, 0))
    #expect(try scan("kind = maximum, reverse = true", f64([4], 1, 3, 3, 2)) == f64([4], 0, 3, 4, 8))
    #expect(try scan("kind = minimum", f64([3], 1, nan, 0)) == f64([3], 1, 0, 0))
    // The cotangent of what stands before the first element goes nowhere.
    #expect(try scan("kind = maximum, exclusive = true", f64([3], 5, 3, 9)) == f64([3], 6, 0, 0))
    #expect(try scan("kind = multiply, exclusive = true", f64([3], 0, 3, 9)) == f64([3], 14, 0, 0))
  }

  @Test func ordersOfEqualElements() throws {
    let sort = "graph @f(%x: f64[N]) { %r, %i = sort %x return %r }"
    #expect(try gradients(sort, ["x": f64([3], 2, 1, 2)], f64([3], 1, 2, 4))[0] == f64([3], 2, 1, 4))
    let top = "graph @f(%x: f64[N]) { %r, %i = top_k %x {count = 2} return %r }"
    #expect(try gradients(top, ["x": f64([4], 2, 7, 2, nan)], f64([2], 1, 2))[0] == f64([4], 2, 1, 0, 0))
  }

  /// Rows without a live element have the gradient 0, and so have elements of weight 0, whatever the cotangent is.
  @Test func maskedRows() throws {
    let softmax = "graph @f(%x: f64[A, N]) { %r = softmax %x {dim = 1} return %r }"
    let x = f64([3, 2], -inf, -inf, -inf, 1, 0, 0)
    #expect(try gradients(softmax, ["x": x], f64([3, 2], nan, inf, inf, 3, 1, 2))[0] == f64([3, 2], 0, 0, 0, 0, -0.25, 0.25))
    let tangents = try GraphInterpreter.evaluate(
      Graph.parse(softmax)[0].forwardGraph(), inputs: ["x": x, "tangent0": f64([3, 2], nan, inf, inf, 3, 1, 2)])
    #expect(tangents[0].array == f64([3, 2], 0, 0, 0, 0, -0.25, 0.25))
    for (op, expected) in [
      ("log_sum_exp", f64([3, 2], 0, 0, 0, 1, 0.5, 0.5)), ("relative_log_sum_exp", f64([3, 2], 0, 0, 0, 0, 0, 0)),
    ] {
      let text = "graph @f(%x: f64[A, N]) { %r = \(op) %x {dim = 1} return %r }"
      #expect(try gradients(text, ["x": x], f64([3], 1, 1, 1))[0] == expected, "\(op)")
      // The cotangent of a row that has no live element.
      #expect(try gradients(text, ["x": f64([1, 2], -inf, -inf)], f64([1], nan))[0] == f64([1, 2], 0, 0), "\(op)")
    }
    let none = try gradients(softmax, ["x": f64([2, 0])], f64([2, 0]))
    #expect(none[0] == f64([2, 0]))
  }
}

import Foundation
import HeedDSL
import HeedIR
import HeedInterpreter
import Testing

/// `gradients` and `jvp`: what they append, what it computes, and mistakes.
@Suite struct DerivativeTests {
  private let x = reals([1, -2, 3])

  @Test func requestsAreNamed() throws {
    let expected = """
      %0 = multiply %x, %model.w : f32[3]
      %loss = reduce %0 {dims = [0], kind = add} : f32
      %gradient.x, %gradient.model.w = vjp %loss, 1.0, %x, %model.w {outputs = 1} : f32[3], f32[3]
      %gradient2.x = vjp %loss, 1.0, %x {outputs = 1} : f32[3]
      %derivative.loss = jvp %loss, %x, %model.w {outputs = 1} : f32
      return %loss, %gradient.x, %gradient.model.w, %gradient2.x, %derivative.loss
      """
    #expect(
      try text { g in
        let (x, w) = (g.input("x", .f32, [3]), g.scope("model") { g.parameter("w", .f32, [3]) })
        let loss = (x * w).sum().named("loss")
        return [loss] + gradients(of: loss, with: [x, w]) + gradients(of: loss, with: [x])
          + [jvp(of: loss, with: [x], tangents: [w])]
      } == expected)
  }

  @Test func formulas() throws {
    let results = try run(["x": x]) { g in
      let x = g.input("x", .f32, [3])
      let (squares, powers) = (x * x, exp(x))
      return gradients(of: squares.sum(), with: [x]) + gradients(of: squares, with: [x], cotangent: x)
        + gradients(of: [squares.sum(), x.sum()], with: [x]) + gradients(of: [squares, powers], with: [x], cotangents: [x, x])
        + [jvp(of: squares, with: [x], tangents: [x])] + jvp(of: [squares, powers], with: [x], tangents: [powers])
    }
    func expect(_ position: Int, _ formula: (Double) -> Double, _ location: Testing.SourceLocation = #_sourceLocation) {
      #expect(isNear(results[position], reals(x.reals.map(formula))), sourceLocation: location)
    }
    expect(0) { 2 * $0 }
    expect(1) { 2 * $0 * $0 }
    expect(2) { 2 * $0 + 1 }
    expect(3) { $0 * (2 * $0 + exp($0)) }
    expect(4) { 2 * $0 * $0 }
    expect(5) { 2 * $0 * exp($0) }
    expect(6) { exp($0) * exp($0) }
  }

  /// A value that others are computed from: only what reads it counts.
  @Test func intermediateValues() throws {
    let results = try run(["x": x]) { g in
      let x = g.input("x", .f32, [3])
      let doubled = x * 2
      let y = doubled * doubled + x
      return gradients(of: y.sum(), with: [doubled, x]) + gradients(of: y.sum(), with: [y])
    }
    #expect(isNear(results[0], reals(x.reals.map { 4 * $0 })))
    #expect(isNear(results[1], reals(x.reals.map { 8 * $0 + 1 })))
    #expect(isNear(results[2], reals([1, 1, 1])))
  }

  @Test func higherOrders() throws {
    let results = try run(["x": x, "v": reals([2, 1, -1])]) { g in
      let (x, v) = (g.input("x", .f32, [3]), g.input("v", .f32, [3]))
      let first = gradients(of: (x * x * x).sum(), with: [x])[0]
      let second = gradients(of: first.sum(), with: [x])[0]
      return [second, gradients(of: second.sum(), with: [x])[0], jvp(of: first, with: [x], tangents: [v])]
    }
    #expect(isNear(results[0], reals(x.reals.map { 6 * $0 })))
    #expect(isNear(results[1], reals([6, 6, 6])))
    #expect(isNear(results[2], reals([12, -12, -18])))
  }

  @Test func parametersOfLayers() throws {
    let graph = try Graph(building: "g") { g in
      let x = g.input("x", .f32, ["S", 2])
      let loss = g.scope("model") {
        let hidden = Linear("up", in: g, inputs: 2, outputs: 3)(x)
        return Linear("down", in: g, inputs: 3, outputs: 1, hasBias: false)(hidden).sum()
      }
      #expect(g.parameters.map(\.name) == ["model.up.weight", "model.up.bias", "model.down.weight"])
      #expect(loss.name == nil)
      return [loss] + gradients(of: loss, with: g.parameters)
    }
    try graph.verify()
    #expect(
      graph.resultNames.map(\.text) == [
        "result0", "gradient.model.up.weight", "gradient.model.up.bias", "gradient.model.down.weight",
      ])
    let results = try GraphInterpreter.evaluate(
      graph,
      inputs: [
        "x": reals([1, 2, 3, 4], [2, 2]), "model.up.weight": reals([1, 0, 0, 1, 1, 1], [3, 2]), "model.up.bias": reals([0, 0, 1]),
        "model.down.weight": reals([1, 2, 3], [1, 3]),
      ])
    #expect(results[1].array.reals == [4, 6, 8, 12, 12, 18])
    #expect(results[2].array.reals == [2, 4, 6])
    #expect(results[3].array.reals == [4, 6, 12])
  }

  @Test func withoutDependence() throws {
    let results = try run(["x": x, "y": reals([1, 2])]) { g in
      let (x, y) = (g.input("x", .f32, [3]), g.input("y", .f32, [2]))
      let loss = x.sum()
      let late = exp(y)
      #expect(gradients(of: loss, with: []).isEmpty)
      return gradients(of: loss, with: [x, y, late])
    }
    #expect(results.map(\.reals) == [[1, 1, 1], [0, 0], [0, 0]])
  }

  @Test func mistakes() {
    func check(
      _ message: String, line: Int = #line, location: Testing.SourceLocation = #_sourceLocation,
      _ build: (_ g: GraphBuilder, _ x: Tensor, _ i: Tensor) -> [Tensor]
    ) {
      let error = mistake { g in
        let wrong = build(g, g.input("x", .f32, ["B", 8]), g.input("i", .i32, ["B"]))
        // What follows a mistake does not crash.
        return gradients(of: wrong, with: wrong, cotangents: wrong) + jvp(of: wrong, with: wrong, tangents: wrong)
      }
      #expect(error?.message == message, sourceLocation: location)
      #expect(error?.location?.file.hasSuffix("DerivativeTests.swift") == true, sourceLocation: location)
      #expect((line...line + 3).contains(error?.location?.line ?? 0), sourceLocation: location)
    }
    check("gradients: got the output %x: f32[B, 8], expected one number, such as its sum, or a cotangent") { _, x, _ in
      gradients(of: x, with: [x])
    }
    check("gradients: got the output %i: i32[B], expected floats") { _, x, i in gradients(of: i, with: [x], cotangent: i) }
    check("gradients: got the input %i: i32[B], expected floats") { _, x, i in gradients(of: x.sum(), with: [x, i]) }
    check("gradients: got the cotangent f32[8, B] of %x: f32[B, 8], expected one of its type") { _, x, _ in
      gradients(of: x, with: [x], cotangent: x.transposed())
    }
    check("gradients: got the cotangent f64[B, 8] of %x: f32[B, 8], expected one of its type") { _, x, _ in
      gradients(of: x, with: [x], cotangent: x.cast(to: .f64))
    }
    check("gradients: got 1 cotangents for 2 tensors, expected one for each") { _, x, _ in
      gradients(of: [x, exp(x)], with: [x], cotangents: [x])
    }
    check("gradients: got no outputs, expected at least one") { _, x, _ in gradients(of: [], with: [x]) }
    check("gradients: got the input %late: f32, which is computed from the output f32, expected one before it") { _, x, _ in
      let loss = x.sum()
      return gradients(of: loss, with: [exp(loss).named("late")])
    }
    check("jvp: got the input %i: i32[B], expected floats") { _, x, i in [jvp(of: x, with: [i], tangents: [i])] }
    check("jvp: got the tangent %i: i32[B] of %x: f32[B, 8], expected one of its type") { _, x, i in
      [jvp(of: x, with: [x], tangents: [i])]
    }
    check("jvp: got 0 tangents for 1 tensors, expected one for each") { _, x, _ in [jvp(of: x, with: [x], tangents: [])] }
    check("jvp: got no inputs, expected at least one") { _, x, _ in [jvp(of: x, with: [], tangents: [])] }
  }

  @Test func tensorsOfOtherGraphs() {
    var stray: Tensor?
    _ = Graph("other") { g in
      stray = g.input("y", .f32, [])
      return stray!
    }
    let error = mistake { g in gradients(of: g.input("x", .f32, []), with: [stray!]) }
    #expect(error?.message == "gradients: got %y: f32 of the graph other, expected a tensor of g")
    let reverse = mistake { g in gradients(of: stray!, with: [g.input("x", .f32, [])]) }
    #expect(reverse?.message == "gradients: got %y: f32 of the graph other, expected a tensor of g")
  }
}

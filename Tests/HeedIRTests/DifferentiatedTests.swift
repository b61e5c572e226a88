import HeedIR
import HeedInterpreter
import Testing

/// `graph.differentiated`, and graphs in double precision.
@Suite struct DifferentiatedTests {
  private func graph(_ text: String) throws -> Graph { try Graph.parse(text, file: "g")[0] }

  private let product = """
    graph @g(%x: f32[S, 2], parameter %w: f32[2, 3], %i: i32[S]) {
      %y = contract %x, %w {subscripts = "sk,kn->sn"} : f32[S, 3]
      %loss = reduce %y {dims = [0, 1], kind = add} : f32
      return %y, %loss, %i
    }
    """

  @Test func reverse() throws {
    let graph = try graph(product)
    let one = try graph.differentiated(of: ["loss"], with: ["w", "x"])
    try one.verify()
    #expect(one.resultNames.map(\.text) == ["y", "loss", "i", "gradient.w", "gradient.x"])
    #expect(one.arguments.count == 3)
    let both = try graph.differentiated(of: ["y", "loss"], with: ["w"])
    try both.verify()
    #expect(both.arguments.map { both.name($0.value).text } == ["x", "w", "i", "cotangent.y"])
    let all = try graph.differentiated(of: ["y", "loss"], with: ["w"], hasAllCotangents: true)
    #expect(all.arguments.map { all.name($0.value).text } == ["x", "w", "i", "cotangent.y", "cotangent.loss"])
    #expect(try Graph.parse(both.text, file: "g").map(\.text) == [both.text])
    let arrays: [Name: ReferenceArray] = [
      "x": ReferenceArray(.f32, [1, 2], reals: [1, 2]), "w": ReferenceArray(.f32, [2, 3], reals: [1, 2, 3, 4, 5, 6]),
      "i": ReferenceArray(.i32, [1], integers: [7]), "cotangent.y": ReferenceArray(.f32, [1, 3], reals: [1, 0, -1]),
    ]
    let results = try GraphInterpreter.evaluate(both, inputs: arrays)
    #expect(results[1].array.reals == [36])
    #expect(results[3].array.reals == [2, 1, 0, 4, 2, 0])
  }

  @Test func forward() throws {
    let graph = try graph(product).differentiated(of: ["loss", "y"], with: ["x"], mode: .forward)
    try graph.verify()
    #expect(graph.arguments.map { graph.name($0.value).text } == ["x", "w", "i", "tangent.x"])
    #expect(graph.resultNames.map(\.text) == ["y", "loss", "i", "derivative.loss", "derivative.y"])
  }

  /// A graph that was differentiated can be differentiated again, under further names.
  @Test func again() throws {
    let cube = "graph @g(%x: f64) {\n  %0 = multiply %x, %x : f64\n  %y = multiply %0, %x : f64\n  return %y\n}"
    var graph = try graph(cube)
    for name in ["y", "gradient.x", "gradient2.x"] { graph = try graph.differentiated(of: [name], with: ["x"]) }
    try graph.verify()
    let results = try GraphInterpreter.evaluate(graph, inputs: ["x": ReferenceArray(.f64, [], reals: [5])])
    #expect(results.map(\.name.text) == ["y", "gradient.x", "gradient2.x", "gradient3.x"])
    #expect(results.map(\.array.reals) == [[125], [75], [30], [6]])
  }

  @Test func mistakes() throws {
    let graph = try graph(product)
    func check(_ message: String, _ outputs: [String], _ inputs: [String], _ location: Testing.SourceLocation = #_sourceLocation) {
      #expect(sourceLocation: location) {
        try graph.differentiated(of: outputs, with: inputs)
      } throws: {
        ($0 as? HeedError)?.message == "@g: \(message)"
      }
    }
    check("got the result 'los' to differentiate, expected one of y, loss, i (did you mean loss?)", ["los"], ["x"])
    check("got the argument 'z' to differentiate, expected one of x, w, i", ["loss"], ["z"])
    check("got the argument i: i32[S] to differentiate, expected floats", ["loss"], ["i"])
    check("got the result i: i32[S] to differentiate, expected floats", ["i"], ["x"])
    check("got the argument 'x' twice, expected it once", ["loss"], ["x", "x"])
    check("got no result to differentiate, expected at least one", [], ["x"])
    check("got no argument to differentiate, expected at least one", ["loss"], [])
  }

  @Test func doublePrecision() throws {
    let text = """
      graph @g(%x: f32[S], %h: bf16[S], %i: i32[S]) {
        %w = convert %h : f32[S]
        %n = convert %i : f16[S]
        %0 = multiply %x, %w : f32[S]
        %y = convert %0 : f16[S]
        %z = add %y, %n : f16[S]
        %bits = bitcast %x : i32[S]
        %m = map %x, %w (%a: f32, %b: f32) {
          %c = convert %a : bf16
          %d = convert %c : f32
          %e = multiply %d, %b : f32
          yield %e
        } : f32[S]
        return %z, %bits, %m
      }
      """
    let doubles = try graph(text).inDoublePrecision()
    try doubles.verify()
    // The bits are those of a number rounded to f32.
    #expect(doubles.text.split(separator: "f32").count == 2 && !doubles.text.contains("f16"), "\(doubles.text)")
    let third = 1.0 / 3
    let results = try GraphInterpreter.evaluate(
      doubles,
      inputs: [
        "x": ReferenceArray(.f64, [1], reals: [third]), "h": ReferenceArray(.f64, [1], reals: [third]),
        "i": ReferenceArray(.i32, [1], integers: [2]),
      ])
    #expect(results[0].array.reals == [third * third + 2])
    #expect(results[1].array.integers == [Int64(Float(third).bitPattern)])
    #expect(results[2].array.reals == [third * third])
  }

  /// What a conversion separates stays apart: only the second operand of the sum is differentiated.
  @Test func doublePrecisionOfDerivatives() throws {
    let text = """
      graph @g(%x: f32[2]) {
        %w = convert %x : f64[2]
        %0 = multiply %w, %w : f64[2]
        %1 = convert %x : f64[2]
        %2 = add %0, %1 : f64[2]
        %y = reduce %2 {dims = [0], kind = add} : f64
        %dw = vjp %y, 1.0, %w {outputs = 1} : f64[2]
        return %dw
      }
      """
    let doubles = try graph(text).inDoublePrecision()
    let results = try GraphInterpreter.evaluate(doubles, inputs: ["x": ReferenceArray(.f64, [2], reals: [1, 2])])
    #expect(results[0].array.reals == [2, 4])
  }
}

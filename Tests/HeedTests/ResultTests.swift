import Heed
import Testing

/// What calls take and return.
@Suite struct ResultTests {
  private static let options = CompileOptions(threads: 1, cache: ObjectCache(directory: nil))

  /// One program for all: y = 2x + b.
  private static let program = Result {
    try Graph("affine") { g in
      (g.input("x", .f32, ["S", 2]) * 2 + g.input("b", .f32, [2])).named("y")
    }.compile(options)
  }

  @Test func theOnlyResultNeedsNoName() throws {
    let program = try Self.program.get()
    let out = try program(["x": [[1, 2], [3, 4]], "b": [0.5, 0]])
    #expect(try out.floats() == [2.5, 4, 6.5, 8])
    #expect(out.shape == [2, 2] && out.element == .f32)
    #expect("\(out)" == "[[2.5, 4.0],\n [6.5, 8.0]] f32[2, 2]")
    #expect(try out["y"]?.floats() == out[0].floats())
    let y: NDArray = try program(["x": [[1, 2]], "b": [0, 0]])
    #expect(try y.floats() == [2, 4])
    // The outputs are an argument like any array.
    let again: NDArray = try program(["x": program(["x": y, "b": [1, 1]]), "b": y[0]])
    #expect(try again.floats() == [12, 22])
  }

  @Test func severalResultsKeepTheirNames() throws {
    let program = try Graph("two") { g in
      let x = g.input("x", .f32, ["S"])
      return [(x + 1).named("more"), x - 1]
    }.compile(Self.options)
    let out = try program(["x": [1, 2]])
    #expect(out.names == ["more", "result1"])
    #expect("\(out)" == "more: [2.0, 3.0] f32[2]\nresult1: [0.0, 1.0] f32[2]")
    let error = HeedError("got 2 results ('more', 'result1') to be one array, expected a name or a position of one")
    #expect(throws: error) { try out.floats() }
    #expect(throws: error) { let _: NDArray = try program(["x": [1, 2]]) }
  }

  @Test func argumentsConvertWhereNothingIsLost() throws {
    let program = try Self.program.get()
    let expected: [Float] = [2.5, 4]
    let (doubles, integers): ([Double], [Int]) = ([1, 2], [1, 2])
    #expect(try program(["x": [doubles], "b": [0.5, 0] as [Float]]).floats() == expected)
    #expect(try program(["x": [integers], "b": [0.5, 0]]).floats() == expected)
    #expect(try program(["x": NDArray(doubles, [1, 2]), "b": [0.5, 0]]).floats() == expected)
    #expect(try program(["x": [[1, 2]], "b": NDArray([0.5, 0] as [Float16], [2])]).floats() == expected)
    // Numbers written in place are f32 here, others keep what they are.
    #expect(try program(["x": [[0.1, 0.2]], "b": [0, 0]]).floats() == [0.2, 0.4])
    let tenths: [Double] = [0.1, 0.2]
    #expect(
      throws: HeedError(
        "input 'x': got f64[1, 2], expected f32[S, 2]: f32 cannot hold the value 0.1 at [0, 0] exactly; convert with .converted(to: .f32)"
      )
    ) {
      try program(["x": [tenths], "b": [0, 0] as [Double]])
    }
    #expect(throws: HeedError("input 'x': got an element of shape [1] at [1] of an array, expected shape [2], as those before")) {
      try program(["x": [[1, 2], [3]] as [[Float]], "b": tenths])
    }
  }

  @Test func partsAreArguments() throws {
    let program = try Self.program.get()
    let x = NDArray.random([5, 6, 2], seed: 1)
    for part in [x[1], x[.all, 2], x[.from(1, step: 2), 3], x[0, .range(1, 6, step: 2)], x[2...][0], x[0, 6...]] {
      let b = x[..., 1][0..<2, 4]
      #expect(try program(["x": part, "b": b]).floats() == program(["x": part.copied, "b": b.copied]).floats())
      #expect(try program(["x": part, "b": b]).shape == part.shape)
    }
  }

  @Test func parametersConvertToo() throws {
    let program = try Graph("scaled") { g in g.input("x", .f32, ["S"]) * g.parameter("w", .f32, []) }.compile(Self.options)
    #expect(try program.load(parameters: ["w": 3])(["x": [1, 2]]).floats() == [3, 6])
    #expect(try program.load(parameters: ["w": 0.5 as Double])(["x": [1, 2]]).floats() == [0.5, 1])
    #expect(throws: HeedError("parameter 'w': got bool, expected f32; convert with .converted(to: .f32)")) {
      try program.load(parameters: ["w": true])
    }
  }
}

extension NDArray {
  /// The same numbers in memory of their own.
  fileprivate var copied: NDArray { get throws { try NDArray(floats(), shape) } }
}

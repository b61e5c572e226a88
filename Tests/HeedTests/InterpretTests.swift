import Heed
import Testing

/// `Graph.interpret` beside a call of the compiled program: the same arguments, results and errors.
@Suite struct InterpretTests {
  private static let graph = Graph("pooled") { g in
    let x = g.input("x", .f32, ["T", 4])
    let table = g.parameter("table", .f32, ["N", 4])
    let ids = g.input("ids", .i32, ["T"])
    let offsets = g.input("offsets", .i32, ["B + 1"])
    return (x + table.gather(ids)).segmentSum(offsets)
  }

  private static let compiled = Result {
    try graph.compile(CompileOptions(threads: 1, cache: ObjectCache(directory: nil)))
  }

  private static let parameters = ["table": NDArray.random([3, 4], seed: 1)]
  private static let inputs: [String: NDArray] = ["x": .random([5, 4], seed: 2), "ids": [0, 2, 1, 1, 0], "offsets": [0, 2, 5]]

  @Test func valuesAreThoseOfACall() throws {
    let expected = try Self.graph.interpret(Self.inputs, parameters: Self.parameters)
    let got = try Self.compiled.get().load(parameters: Self.parameters)(Self.inputs)
    #expect(expected.names == got.names)
    #expect(expected.shape == [2, 4] && expected.element == .f32)
    #expect(zip(try expected.floats(), try got.floats()).allSatisfy { abs($0 - $1) < 1e-5 })
    let array: NDArray = try Self.graph.interpret(Self.inputs, parameters: Self.parameters)
    #expect(array.shape == [2, 4])
    let flat: [[Float]] = [[1, 2, 3, 4]]
    #expect(try Graph("g") { $0.input("x", .f32, ["S", 4]) * 2 }.interpret(["x": flat]).floats() == [2, 4, 6, 8])
  }

  @Test(
    arguments: [
      ["x": nil], ["y": 1], ["x": .random([5], seed: 1)], ["x": .random([5, 3], seed: 1)], ["x": .random([4, 4], seed: 1)],
      ["x": .random([5, 4], seed: 1, element: .f64)], ["x": .zeros([5, 4], element: .bool)], ["ids": [0, 3, 0, 0, 0]],
      ["ids": [0.5, 0, 0, 0, 0]], ["ids": [-1, 0, 0, 0, 0]], ["offsets": [0, 6, 5]], ["offsets": [1, 2, 5]], ["offsets": []],
      ["offsets": [0, 2, 4]],
    ] as [[String: NDArray?]])
  func errorsAreThoseOfACall(changes: [String: NDArray?]) throws {
    var inputs = Self.inputs
    for (name, array) in changes { inputs[name] = array }
    func message(_ body: () throws -> Outputs) -> String {
      do { return try body().description } catch { return "\(error)" }
    }
    let loaded = try Self.compiled.get().load(parameters: Self.parameters)
    let (expected, got) = (
      message { try loaded(inputs) }, message { try Self.graph.interpret(inputs, parameters: Self.parameters) }
    )
    #expect(got == expected)
    #expect(got.hasPrefix("error: "))
  }

  @Test func errorsOfParametersAreThoseOfLoading() throws {
    let compiled = try Self.compiled.get()
    for parameters in [
      [:], ["table": .zeros([3])], ["tables": 1], ["table": .zeros([3, 5])], ["table": .zeros([3, 4], element: .bool)],
    ]
      as [[String: NDArray]]
    {
      let expected = #expect(throws: HeedError.self) { try compiled.load(parameters: parameters) }
      let got = #expect(throws: HeedError.self) { try Self.graph.interpret(Self.inputs, parameters: parameters) }
      #expect(got == expected)
    }
  }

  @Test func mistakesInTheGraphAreThrown() throws {
    let graph = Graph("g") { g in g.input("x", .f32, ["S", 3]) + g.input("y", .f32, ["S", 4]) }
    let expected = #expect(throws: HeedError.self) { try graph.compile() }
    let got = #expect(throws: HeedError.self) { try graph.interpret(["x": [[1, 2, 3]], "y": [[1, 2, 3, 4]]]) }
    #expect(got == expected)
  }
}

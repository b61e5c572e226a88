import HeedIR
import Testing

/// Graphs that only code can build: text does not parse to them.
@Suite struct GraphVerifierTests {
  private static let type = TensorType(.f32, ["S"])

  private func message(_ graph: Graph) -> String {
    do {
      try graph.verify()
      return ""
    } catch { return "\(error)" }
  }

  @Test func aUseOfAnErasedNodeIsFound() throws {
    var graph = Graph(name: "f")
    let x = graph.addArgument("x", Self.type)
    let first = try graph.append(.exp, [x], names: ["a"])
    let second = try graph.append(.exp, [graph.result(first)], names: ["b"])
    graph.setResults([graph.result(second)])
    #expect(message(graph) == "")
    graph.eraseNodes { $0 == first }
    #expect(message(graph) == "error: graph @f: exp uses %a, which nothing above it defines")
    graph.eraseNodes { $0 == second }
    #expect(message(graph) == "error: graph @f: got the result %b, which nothing defines")
  }

  @Test func argumentsHaveDifferentNames() {
    var graph = Graph(name: "f")
    let x = graph.addArgument("x", Self.type)
    graph.setResults([x])
    #expect(message(graph) == "")
    var twice = graph
    twice.addArgument("x", Self.type)
    #expect(message(twice).contains("two arguments of the name %x"))
    graph.addArgument(.none, Self.type)
    #expect(message(graph).contains("argument 1 has no name"))
  }

  @Test func aGraphReturnsSomething() {
    var graph = Graph(name: "f")
    graph.addArgument("x", Self.type)
    #expect(message(graph).contains("got no result"))
  }

  @Test func symbolsAreWords() {
    var graph = Graph(name: "f")
    let x = graph.addArgument("x", TensorType(.f32, Shape([Extent(symbol: "two words")])))
    graph.setResults([x])
    #expect(message(graph).contains("expected a word of letters"))
  }

  @Test func extentsAreNotNegative() {
    var graph = Graph(name: "f")
    let x = graph.addArgument("x", TensorType(.f32, [-1]))
    graph.setResults([x])
    #expect(message(graph).contains("got the extent -1 of %x"))
  }

  @Test func factsDivideByOneOrMore() {
    var graph = Graph(name: "f")
    graph.setResults([graph.addArgument("x", Self.type)])
    graph.addFact(.divisible("S", by: 0))
    #expect(message(graph).contains("expected a divisor of at least 1"))
  }

  @Test func regionsAreChecked() throws {
    func verify(_ change: (inout ScalarFunction) -> Void) -> String {
      var region = ScalarFunction(parameters: [.init("a", .f32)], tables: [.init("t", Self.type)])
      region.results = [region.parameter(0)]
      change(&region)
      do {
        try region.verify()
        return ""
      } catch { return "\(error)" }
    }
    #expect(verify { _ in } == "")
    #expect(verify { $0.results = [] }.contains("yields nothing"))
    #expect(verify { $0.results = [ScalarValue(1)] }.contains("yields value 1, which it does not define"))
    // A parameter that went away moves the numbers of all values.
    let moved = verify { region in
      region.results = [try! region.append(.exp, [region.parameter(0)], name: "e")]
      region.parameters = []
    }
    #expect(moved.contains("%e: got the operand 0, which nothing above defines"))
    let retyped = verify { region in
      region.results = [try! region.append(.exp, [region.parameter(0)])]
      region.parameters[0].type = .f64
    }
    #expect(retyped.contains("got result type f32, expected f64"))
    let rank = verify { region in
      let zero = region.constant(Literal(0), .i32)
      region.results = [try! region.element(ofTable: 0, [zero])]
      region.tables[0].type = .init(.f32, ["S", "S"])
    }
    #expect(rank.contains("by 1 indices of a f32[S, S], expected 2 integers"))
    let table = verify { region in
      let zero = region.constant(Literal(0), .i32)
      region.results = [try! region.element(ofTable: 0, [zero])]
      region.tables = []
    }
    #expect(table.contains("expected one of 0 tables"))
  }

  @Test func regionsReadWhatTheirNodeCaptures() throws {
    var score = ScalarFunction(parameters: [.init("s", .f32), .init("i", .i32), .init("j", .i32)])
    score.results = [score.parameter(0)]
    var live = ScalarFunction(parameters: [.init("i", .i32), .init("j", .i32)])
    live.results = [live.constant(Literal(true), .bool)]
    live.tables = [.init("t", Self.type)]
    var graph = Graph(name: "f")
    let x = graph.addArgument("x", TensorType(.f32, ["S", 8]))
    #expect(throws: HeedError.self) { try graph.append(.attention, [x, x, x], regions: [score, live]) }
    live.tables = []
    let node = try graph.append(.attention, [x, x, x], regions: [score, live])
    graph.setResults([graph.result(node)])
    #expect(message(graph) == "")
  }
}

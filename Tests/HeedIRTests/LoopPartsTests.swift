import HeedIR
import Testing

/// What a loop's body says of its operands and results.
@Suite struct LoopPartsTests {
  /// Roles in mixed order, updates in another order than the states, and a state that no step changes.
  private func loop(_ attributes: String, _ types: String, results: String) throws -> (graph: Graph, node: NodeID) {
    let graph = try Graph.parse(
      """
      graph @f(%w: f32[2], %a: f32[2], %x: f32[T, 3], %b: i32, %c: f32, %y: f32[T]) {
        \(results) = loop %w, %a, %x, %b, %c, %y body (parameter %w: f32[2], state %a: f32[2], %x: f32[3], state %b: i32, state %c: f32, %y: f32) {
          %m = multiply %a, %w : f32[2]
          %n = multiply %c, %y : f32
          update %c = %n
          update %a = %m
          return %x, %m
        } {\(attributes)steps = [T]} : \(types)
        return \(results)
      }
      """)[0]
    try graph.verify()
    return (graph, try #require(graph.body.first { graph.op($0) == .loop }))
  }

  private let types = "f32[2], i32, f32, f32[T, 3], f32[T, 2]"

  @Test func argumentsAreFoundByRole() throws {
    let (graph, node) = try loop("", types, results: "%p, %q, %r, %s, %t")
    let parts = LoopParts(try #require(graph.bodyGraph(node)))
    #expect(parts.parameters == [0] && parts.states == [1, 3, 4] && parts.inputs == [2, 5])
    #expect(parts.states.map { parts.body.name(parts.update($0)) } == ["m", "b", "n"])
    #expect(parts.returned.map(parts.body.name) == ["x", "m"])
    let operands = graph.operands(node).map(graph.type)
    #expect(operands.indices.map { parts.operandType($0, steps: "T") } == operands)
  }

  @Test func resultsAreSorted() throws {
    let (graph, node) = try loop("", types, results: "%p, %q, %r, %s, %t")
    let parts = LoopParts(try #require(graph.bodyGraph(node)))
    let results = parts.results(graph.results(node).map(graph.name))
    #expect(results.states == ["p", "q", "r"] && results.rows == ["s", "t"] && results.history == [])
    #expect(parts.resultTypes(steps: "T", hasHistory: false) == graph.results(node).map(graph.type))
  }

  @Test func aHistoryComesLast() throws {
    let (graph, node) = try loop(
      "history = true, ", types + ", f32[T, 2], i32[T], f32[T]", results: "%p, %q, %r, %s, %t, %u, %v, %w2")
    let parts = LoopParts(try #require(graph.bodyGraph(node)))
    let results = parts.results(graph.results(node).map(graph.name))
    #expect(results.states == ["p", "q", "r"] && results.rows == ["s", "t"] && results.history == ["u", "v", "w2"])
    #expect(results.all == graph.results(node).map(graph.name))
    #expect(parts.resultTypes(steps: "T", hasHistory: true) == graph.results(node).map(graph.type))
  }
}

import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Calls: what they may not see of each other, and what they say about wrong lengths.
@Suite struct CallTests {
  /// Memory that calls at load fill may not be written by a call.
  @Test func callsLeaveParametersAsTheyAre() throws {
    let graph = try graph(
      "parameter %base: f32[4, 3], parameter %p: f32[2, 3], %ids: i32[K], %u: f32[K, 3], %x: f32[2, 3]",
      """
      %s = scatter_add %base, %ids, %u {dim = 0}
      %t = multiply %s, 2.0
      %c = concatenate %p, %x {dim = 0}
      %m = contract %c, %p {subscripts = "ij,kj->ik"}
      %n = contract %p, %c {subscripts = "ij,kj->ik"}
      %one = constant {value = [1.0]} : f32
      %ones = broadcast %one {dims = []} : f32[2, 3]
      %d = concatenate %ones, %p {dim = 1}
      %e = contract %x, %d {subscripts = "ij,ik->jk"}
      return %t, %m, %n, %e
      """)
    let inputs = try randomInputs(
      graph, ["K": 3], given: ["ids": ReferenceArray(.i32, [3], integers: [1, 3, 1])])
    let expected = try GraphInterpreter.evaluate(graph, inputs: inputs)
    func arrays(_ names: [Name]) throws -> [String: NDArray] {
      try Dictionary(uniqueKeysWithValues: names.map { ($0.text, try NDArray(inputs[$0]!)) })
    }
    let compiled = try graph.compile(options()).load(parameters: arrays(["base", "p"]))
    for _ in 0..<3 {
      for (got, reference) in zip(try compiled(arrays(["ids", "u", "x"])), expected) {
        #expect(try difference(got, reference.array, .sums) == nil, "%\(reference.name)")
      }
    }
  }

  /// A range that only the lengths of a call show to be outside is an error, not a crash.
  @Test(arguments: [
    "%r = slice %x {start = [0, 0], stop = [2, 5]}", "%r = slice %x {start = [0, 3], stop = [M, N]}",
    "%r = slice %x {start = [0, 0], stop = [5, N]}", "%r = pad %x {low = [0, 0], high = [0, N - 3], value = 0.0}",
    "%r, %i = top_k %x {count = 4}",
  ]) func rangesOutside(_ line: String) throws {
    let graph = try graph("%x: f32[M, N]", line + "\n%s = add %r, 1.0\nreturn %s")
    let compiled = try graph.compile(options())
    let x = try randomInputs(graph, ["M": 3, "N": 2])
    #expect(throws: HeedError.self) { _ = try GraphInterpreter.evaluate(graph, inputs: x) }
    #expect(throws: HeedError.self) { _ = try compiled(["x": NDArray(x["x"]!)]) }
    try expectAgreement(graph, at: [["M": 5, "N": 6]])
  }
}

import HeedIR
import HeedInterpreter
import Testing

@Suite struct OpTests {
  @Test("An op gives what is worked out by hand", arguments: opCases.indices)
  func definition(number: Int) throws {
    let test = opCases[number]
    let graph = try #require(try Graph.parse("graph @test(\(test.arguments)) {\n\(test.body.replacing("  ", with: "\n"))\n}").first)
    let names = graph.arguments.map { graph.name($0.value) }
    let inputs = Dictionary(uniqueKeysWithValues: zip(names, test.inputs))
    let results = try GraphInterpreter.evaluate(graph, inputs: inputs).map(\.array)
    #expect(results.count == test.expected.count)
    for (result, expected) in zip(results, test.expected) {
      #expect(areClose(result, expected), "\(test.mnemonic): got \(result), expected \(expected)")
    }
  }

  @Test func everyOpHasACase() {
    let missing = Op.all.map(\.mnemonic).filter { mnemonic in !opCases.contains { $0.mnemonic == mnemonic } }
    #expect(missing.isEmpty, "no case of \(missing.joined(separator: ", "))")
    for test in opCases { #expect(test.body.contains(" \(test.mnemonic) ") || test.body.contains("= \(test.mnemonic)\n")) }
  }

  @Test("Data that an op cannot take is an error, not a trap")
  func dataErrors() {
    #expect(
      errorMessage {
        _ = try evaluate("graph @f(%x: f64[N]) { %r = slice %x {start = [0], stop = [4]} return %r }", ["x": f64([3], 1, 2, 3)])
      }.contains("got the range 0 ..< 4, expected one inside 0 ..< 3"))
    #expect(
      errorMessage {
        _ = try evaluate("graph @f(%x: f64[N]) { %r = slice %x {start = [4], stop = [N]} return %r }", ["x": f64([3], 1, 2, 3)])
      }.contains("is -1, expected at least 0"))
    #expect(
      errorMessage {
        _ = try evaluate("graph @f(%x: f64[N]) { %r, %i = top_k %x {count = 4} return %r }", ["x": f64([3], 1, 2, 3)])
      }
      .contains("expected at least count = 4"))
    for copies in ["N*N*N*N", "N*N*N"] {
      let message = errorMessage {
        _ = try evaluate(
          "graph @f(%x: f64[N], %s: f64) { %r = broadcast %s {dims = []} : f64[\(copies)] return %r }",
          ["x": ReferenceArray(.f64, [1 << 17]), "s": f64([], 1)])
      }
      #expect(message.contains("more elements") || message.contains("leaves 64 bits"), "\(message)")
    }
    for offsets in [i32([3], 1, 2, 3), i32([3], 0, 4, 3), i32([3], 0, 1, 2)] {
      #expect(
        errorMessage {
          _ = try evaluate(
            "graph @f(%x: f64[T], %o: i32[B + 1]) { %r = segment_sum %x, %o return %r }", ["x": f64([3], 1, 2, 3), "o": offsets])
        }.contains("expected ones that start at 0, never fall and end at 3"))
    }
  }
}

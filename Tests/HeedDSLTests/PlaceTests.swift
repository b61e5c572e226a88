import HeedDSL
import HeedIR
import Testing

/// What is found only when all of the graph is there is reported on the line that it stands on.
@Suite struct PlaceTests {
  /// Checks what the verifier says, and that the line is that of the call or the next.
  private func check(
    _ expected: String, line: Int = #line, location: Testing.SourceLocation = #_sourceLocation,
    _ build: (_ g: GraphBuilder, _ x: Tensor) throws -> some GraphOutput
  ) {
    let graph = Graph("g") { g in try build(g, g.input("x", .f32, ["S", 4])) }
    do {
      try graph.verify()
      Issue.record("no error", sourceLocation: location)
    } catch let error as HeedError {
      #expect(error.message == expected, sourceLocation: location)
      #expect(error.location?.file.hasSuffix("Tests/HeedDSLTests/PlaceTests.swift") == true, sourceLocation: location)
      #expect((line...line + 1).contains(error.location?.line ?? 0), sourceLocation: location)
    } catch { Issue.record(error, sourceLocation: location) }
  }

  private let known = "expected one of the arguments' extents (S)"

  @Test func misspeltSymbols() {
    check("slice: got the symbol T in [T, 4], \(known)") { _, x in x[.range(0, "T")] }
    check("slice: got the symbol T in [T, 0], \(known)") { _, x in x["T"] * 2 }
    check("slice: got the symbol T in [T, 4], \(known)") { _, x in x.split(sizes: ["T", "S - T"], dimension: 0)[0] }
    check("pad: got the symbol T in [T, 0], \(known)") { _, x in x.padded(low: ["T", 0], high: [0, 0]) }
    check("extent: got the symbol Zed in [Zed], \(known)") { g, x in x * g.size("Zed", as: .f32) }
    check("got the symbol T in the type of i32[T], \(known)") { g, _ in g.iota(["T"]) }
    check("got the symbol Q in the type of f32[Q], \(known)") { g, _ in g.full(["Q"], 1.0) }
    check("got the symbol Q in the type of f32[Q, S, 4], \(known)") { _, x in x.broadcast(to: ["Q", "S", 4]) }
    check("got the symbol T in the fact S == T, \(known)") { g, x in
      g.assume("S", equals: "T")
      return x * 2
    }
    check("slice: got the symbol T in [S - T, 0], \(known)") { _, x in x.roll("T", dimension: 0) }
    check("got the symbol C in the type of i32[C], \(known)") { _, x in x.cast(to: .i32).oneHot("C") }
  }

  @Test func arguments() {
    check("the symbol M does not follow from the arguments' extents, expected an extent such as M or 2*M") { g, x in
      [x, g.input("y", .f32, ["M*N"])]
    }
    let size = 1 << 40
    check("got the type f32[\(size), \(size)], expected known extents that multiply to less than 2^56") { g, x in
      [x, g.input("y", .f32, [Extent(size), Extent(size)])]
    }
    let rows = 1 << 31
    check("got the type f32[\(rows), \(rows)], expected known extents that multiply to less than 2^56") { g, x in
      Embedding("e", in: g, count: rows, size: rows)(x.cast(to: .i32))
    }
  }

  /// What is wrong with the graph as a whole stands on its line.
  @Test func theGraphItself() {
    let message = "graph @g: got no result, expected at least one"
    let first = #line + 1
    let empty = Graph("g") { g in
      _ = g.input("x", .f32, [3])
      return [Tensor]()
    }
    #expect(throws: HeedError(message, at: HeedIR.SourceLocation(file: #filePath, line: first))) { try empty.verify() }
    struct Stop: Error {}
    let second = #line + 1
    let thrown = Graph("g") { g in
      if g.input("x", .f32, [3]).rank == 1 { throw Stop() }
      return g.constant(1)
    }
    #expect(thrown.failure?.location?.line == second)
  }

  /// Passes keep the lines.
  @Test func rewrittenGraphs() throws {
    let line = #line + 1
    let graph = Graph("g") { g in g.input("x", .f32, ["S"]) + g.input("y", .f32, ["S"]) }
    var rewriter = GraphRewriter(graph)
    for node in graph.body { rewriter.copy(node) }
    let copy = rewriter.finish()
    #expect(copy.location?.line == line && copy.arguments.allSatisfy { copy.place($0.value)?.line == line })
  }
}

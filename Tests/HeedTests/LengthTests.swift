import Heed
import Testing

/// Lengths that a graph has no result for: a call says what the interpreter says, of the graph as it is written.
@Suite struct LengthTests {
  private static let options = CompileOptions(threads: 1, cache: ObjectCache(directory: nil))

  private func check(
    _ expected: String, _ inputs: [String: NDArray], location: Testing.SourceLocation = #_sourceLocation,
    _ build: (GraphBuilder) -> Tensor
  ) throws {
    let graph = try Graph(building: "g") { build($0) }
    func message(_ body: () throws -> Outputs) -> String {
      do { return try body().description } catch { return "\(error)" }
    }
    let program = try graph.compile(Self.options)
    let (call, interpreted) = (message { try program(inputs) }, message { try graph.interpret(inputs) })
    #expect(call == interpreted, sourceLocation: location)
    #expect(call.hasPrefix("error: ") && call.hasSuffix(expected), "\(call)", sourceLocation: location)
    #expect(!call.contains("%t") && call.contains("%x") || call.contains("LengthTests.swift:"), "\(call)", sourceLocation: location)
  }

  @Test func negativeExtents() throws {
    try check(": got the extent S - 4 = -1, expected at least 0", ["x": .ones([1, 2, 3]), "w": .ones([3, 2, 5])]) { g in
      convolution1D(g.input("x", .f32, [1, 2, "S"]), g.input("w", .f32, [3, 2, 5]))
    }
    try check(": got the extent S - 3 = -1, expected at least 0", ["x": [1, 2]]) { g in
      g.input("x", .f32, ["S"]).sum() + g.full(["S - 3"], 1.0)
    }
  }

  @Test func ranges() throws {
    try check(": got the range 0 ..< 3, expected one inside 0 ..< 2", ["x": [1, 2]]) { g in
      g.input("x", .f32, ["S"]).split(sizes: [3, "S - 3"])[1]
    }
    try check(": got the range 4 ..< 5, expected one inside 0 ..< 2", ["x": [1, 2]]) { g in exp(g.input("x", .f32, ["S"])[4]) }
    try check(": got the range -1 ..< 2, expected one inside 0 ..< 2", ["x": [1, 2]]) { g in g.input("x", .f32, ["S"])[(-3)...] }
  }

  @Test func countsAndPadding() throws {
    try check(": got 2 elements in the last dimension, expected at least 5", ["x": [1, 2]]) { g in
      g.input("x", .f32, ["S"]).topK(5).values
    }
    try check(": got the padding S - 3 = -1, expected at least 0", ["x": [1, 2]]) { g in
      g.input("x", .f32, ["S"]).padded(low: ["S - 3"], high: [4])
    }
  }

  /// What cannot be compiled stands on its line.
  @Test func headsOfTooManyComponents() throws {
    let line = #line + 3
    let graph = Graph("g") { g in
      let (q, k) = (g.input("q", .f32, [3, 100_000]), g.input("k", .f32, [5, 100_000]))
      return matmul(softmax(matmul(q, k.transposed())), g.input("v", .f32, [5, 2]))
    }
    do { _ = try graph.compile(Self.options) } catch let error as HeedError {
      #expect(error.message.hasPrefix("cannot compile the attention") && error.location?.line == line, "\(error)")
    }
  }

  @Test(arguments: [ElementType.f16, .bf16]) func meansInSixteenBits(_ element: ElementType) throws {
    let graph = try Graph(building: "means") { g in
      let x = g.input("x", element, ["N"])
      return [x.mean(), x.variance(), x.standardDeviation(), x.segmentMean(g.input("o", .i32, ["B + 1"]))]
    }
    let program = try graph.compile(Self.options)
    for count in [2000, 70000] {
      let numbers = try NDArray((0..<count).map { $0 % 2 == 0 ? 101.0 : 99.0 }, [count]).converted(to: element)
      let inputs = ["x": numbers, "o": try NDArray([0, count], [2])]
      for outputs in [try program(inputs) as Outputs, try graph.interpret(inputs)] {
        #expect(try (0..<4).map { try outputs[$0].converted(to: .f64).doubles().first } == [100, 1, 1, 100])
      }
    }
  }
}

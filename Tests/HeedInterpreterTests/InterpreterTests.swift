import HeedArrays
import HeedIR
import HeedInterpreter
import Testing

@Suite struct InterpreterTests {
  private static let text = """
    graph @f(%x: f32[B, S + 1], parameter %w: f32[2*S]) facts (S % 2 == 0) {
      %y = add %x, 1.0 : f32[B, S + 1]
      %z = reduce %y {dims = [1], kind = add} : f32[B]
      return %z, %w
    }
    """

  private func message(_ inputs: [Name: ReferenceArray]) -> String { errorMessage { _ = try evaluate(Self.text, inputs) } }

  @Test func runsOnArraysInMemory() throws {
    let graph = try Graph.parse(Self.text)[0]
    let results = try GraphInterpreter.evaluate(
      graph, inputs: ["x": NDArray([1, 2, 3] as [Float], [1, 3]), "w": NDArray([1, 2, 3, 4] as [Float], [4])])
    #expect(results.map(\.name) == ["z", "w"])
    #expect(results[0].array.values(as: Float.self) == [9])
    #expect(results[1].array.values(as: Float.self) == [1, 2, 3, 4])
  }

  /// The zero of a masked pair is one behind `stop_gradient` too: the NaN of its value adds nothing.
  @Test func stoppedGradientsKeepMasks() throws {
    let text = """
      graph @f(%x: f64[1, 2], %v: f64[2, 1]) {
        %w = softmax %x {dim = 1} : f64[1, 2]
        %s = stop_gradient %w : f64[1, 2]
        %r = contract %s, %v {subscripts = "ij,je->ie"} : f64[1, 1]
        return %r
      }
      """
    let results = try evaluate(text, ["x": f64([1, 2], 0, -.infinity), "v": f64([2, 1], 5, .nan)])
    #expect(results[0].reals == [5])
  }

  @Test func showsEachValue() throws {
    let graph = try Graph.parse(Self.text)[0]
    var seen: [Name] = []
    _ = try GraphInterpreter.evaluate(
      graph, inputs: ["x": ReferenceArray(.f32, [0, 3]), "w": ReferenceArray(.f32, [4])]
    ) { value, _ in
      if !graph.name(value).isNone { seen.append(graph.name(value)) }
    }
    #expect(seen == ["y", "z"])
  }

  @Test func namesTheInputThatIsWrong() {
    func array(_ shape: Int...) -> ReferenceArray { ReferenceArray(.f32, shape) }
    #expect(message(["x": array(1, 3)]) == "got no input %w, expected one of type f32[2*S]")
    #expect(message(["x": array(1, 3), "w": array(4), "v": array()]) == "got an input %v, expected %x, %w")
    #expect(message(["x": f64([1, 1], 0), "w": array(4)]) == "%x: got the element type f64, expected f32")
    #expect(message(["x": array(3), "w": array(4)]) == "%x: got the shape [3] of rank 1, expected [B, S + 1] of rank 2")
    #expect(message(["x": array(1, 3), "w": array(6)]) == "%w: got extent 6 in dimension 0, expected 2*S = 4")
    #expect(message(["x": array(1, 0), "w": array(6)]) == "%x: got extent 0 in dimension 1, expected S + 1")
    #expect(message(["x": array(1, 4), "w": array(6)]) == "got S = 3, expected a multiple of 2 as stated by S % 2 == 0")
  }

  @Test func symbolsFollowFromShapesAndFacts() throws {
    func solve(_ extents: [(Extent, Int)], _ facts: [Fact] = []) throws -> [Name: Int] {
      try SymbolBinding.solve([(name: "x", shape: Shape(extents.map(\.0)), actual: extents.map(\.1))], facts: facts)
    }
    #expect(try solve([("B*S", 12), ("B", 3)]) == ["B": 3, "S": 4])
    #expect(try solve([("S + P", 12), ("2*P", 4), ("ceil(S/4)", 3)]) == ["S": 10, "P": 2])
    #expect(try solve([("H", 3), ("N", 12)], [.equal("N", "H*W")]) == ["H": 3, "N": 12, "W": 4])
    #expect(try solve([("8 - S", 8)]) == ["S": 0])
    #expect(errorMessage { _ = try solve([("B*S", 12)]) }.contains("does not give the value of B"))
    #expect(errorMessage { _ = try solve([("B*S", 0), ("B", 0)]) }.contains("does not give the value of S"))
    #expect(errorMessage { _ = try solve([("2*S", 3)]) } == "%x: got extent 3 in dimension 0, expected 2*S")
    #expect(errorMessage { _ = try solve([("9 - S", 10)]) } == "%x: got extent 10 in dimension 0, expected -S + 9")
    #expect(
      errorMessage { _ = try solve([("N", 3), ("M", 4)], [.equal("N", "M")]) }.contains(
        "expected equal extents as stated by N == M"))
  }

  @Test("Arrays keep their numbers on the way to the interpreter and back", arguments: ElementType.allCases)
  func conversion(element: ElementType) throws {
    let array: ReferenceArray =
      element.isFloat
      ? ReferenceArray(element, [2, 2], reals: [1.5, -2, .infinity, -0.0])
      : ReferenceArray(element, [2, 2], integers: [0, 1, element.integerRange.upperBound, element.integerRange.lowerBound])
    #expect(ReferenceArray(try NDArray(array)) == array)
    #expect(ReferenceArray(try NDArray(zeros: element, [0, 3])).shape == [0, 3])
  }

  @Test func roundsToTheElementType() throws {
    let third = try NDArray(ReferenceArray(.bf16, [1], reals: [1 / 3]))
    #expect(third.values(as: BFloat16.self)[0].float == 0.333984375)
    #expect(try NDArray(ReferenceArray(.f16, [1], reals: [1e6])).values(as: Float16.self) == [.infinity])
  }
}

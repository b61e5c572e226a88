import HeedDSL
import HeedIR
import HeedInterpreter
import Testing

@Suite struct GraphBuilderTests {
  /// The example that the documentation opens with.
  static let causal = Graph("causal") { g in
    let q = g.input("q", .f32, ["B", 8, "S", 64])
    let k = g.input("k", .f32, ["B", 8, "S", 64])
    let v = g.input("v", .f32, ["B", 8, "S", 64])
    let scores = matmul(q, k.transposed()) / 8
    let (i, j) = (scores.index(2), scores.index(3))
    return matmul(softmax(scores.where(j <= i, else: -.infinity)), v)
  }

  @Test func exampleText() throws {
    try Self.causal.verify()
    #expect(
      Self.causal.description == """
        graph @causal(%q: f32[B, 8, S, 64], %k: f32[B, 8, S, 64], %v: f32[B, 8, S, 64]) {
          %0 = transpose %k {permutation = [0, 1, 3, 2]} : f32[B, 8, 64, S]
          %1 = contract %q, %0 {subscripts = "abik,abkj->abij"} : f32[B, 8, S, S]
          %2 = divide %1, 8.0 : f32[B, 8, S, S]
          %3 = iota {dim = 2} : i32[B, 8, S, S]
          %4 = iota {dim = 3} : i32[B, 8, S, S]
          %5 = less_equal %4, %3 : bool[B, 8, S, S]
          %6 = select %5, %2, -inf : f32[B, 8, S, S]
          %7 = softmax %6 {dim = 3} : f32[B, 8, S, S]
          %8 = contract %7, %v {subscripts = "abik,abkj->abij"} : f32[B, 8, S, 64]
          return %8
        }
        """)
  }

  @Test func operatorMistakesNameTheLine() throws {
    let line = #line
    let error = mistake { g in
      let x = g.input("x", .f32, ["B", 8])
      let y = g.input("y", .f32, ["B", 3])
      let good = x * 2
      let bad =
        good
        + y
      return (bad - y * x).sum()
    }
    #expect(
      error?.message == "add: got f32[B, 8] and %y: f32[B, 3], expected shapes that broadcast, but the extents 8 and 3 differ")
    #expect(error?.location?.file.hasSuffix("Tests/HeedDSLTests/GraphBuilderTests.swift") == true)
    #expect((line + 5...line + 7).contains(error?.location?.line ?? 0), "\(error?.location?.line ?? 0) after \(line)")
  }

  @Test func functionMistakesNameTheLine() throws {
    let line = #line
    let error = mistake { g in
      let x = g.input("x", .f32, ["B", 8])
      return matmul(x, x).transposed(0, 1, 2)
    }
    #expect(error?.message == "matmul: got %x: f32[B, 8] and %x: f32[B, 8], expected equal inner extents, not 8 and B")
    #expect(error?.location == SourceLocation(file: #filePath, line: line + 3))
  }
}

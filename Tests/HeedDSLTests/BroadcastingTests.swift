import HeedDSL
import HeedIR
import Testing

@Suite struct BroadcastingTests {
  /// Every shape of rank 0 to 3 whose extents are 1 or that of its place in `[2, 3, 4]`, counted from the end.
  static let shapes: [[Int]] = {
    var shapes: [[Int]] = [[]]
    var suffixes: [[Int]] = [[]]
    for extent in [4, 3, 2] {
      suffixes = suffixes.flatMap { [[1] + $0, [extent] + $0] }
      shapes += suffixes
    }
    return shapes
  }()

  private static func array(_ shape: [Int], _ start: Double) -> ReferenceArray {
    reals((0..<shape.reduce(1, *)).map { start + Double($0) }, shape)
  }

  /// The element of `array` that stands at `indices` of a shape that it broadcasts to.
  private static func element(_ array: ReferenceArray, _ indices: [Int]) -> Double {
    array.reals[array.position(zip(indices.suffix(array.shape.count), array.shape).map { $1 == 1 ? 0 : $0 })]
  }

  @Test func everyPairOfShapes() throws {
    #expect(Self.shapes.count == 15)
    for left in Self.shapes {
      for right in Self.shapes {
        let rank = max(left.count, right.count)
        func extent(_ shape: [Int], _ d: Int) -> Int { d < rank - shape.count ? 1 : shape[d - (rank - shape.count)] }
        let shape = (0..<rank).map { max(extent(left, $0), extent(right, $0)) }
        let (x, y) = (Self.array(left, 0), Self.array(right, 100))
        let got = try run(["x": x, "y": y]) { g in
          g.input("x", .f32, Shape(left.map { Extent($0) })) - g.input("y", .f32, Shape(right.map { Extent($0) }))
        }[0]
        let expected = ReferenceArray.generated(.f32, shape) { Literal(Self.element(x, $0) - Self.element(y, $0)) }
        #expect(got == expected, "\(left) - \(right)")
      }
    }
  }

  @Test func symbolicText() throws {
    let graph = try text { g in
      g.input("x", .f32, ["B", 1, "S", 64]) * g.input("y", .f32, ["H", 1, 64]) + g.input("z", .f32)
    }
    #expect(
      graph == """
        %0 = broadcast %x {dims = [0, 1, 2, 3]} : f32[B, H, S, 64]
        %1 = broadcast %y {dims = [1, 2, 3]} : f32[B, H, S, 64]
        %2 = multiply %0, %1 : f32[B, H, S, 64]
        %3 = add %2, %z : f32[B, H, S, 64]
        return %3
        """)
  }

  @Test func equalPolynomialsAndFacts() throws {
    #expect(
      try text { g in
        g.input("x", .f32, ["2*(A + B)"]) + g.input("y", .f32, ["B + 2*A + B"]) + g.input("a", .f32, ["A", "B"]).sum()
      }
      .contains("add %x, %y : f32[2*A + 2*B]"))
    let graph = Graph("g") { g in
      g.assume("N", equals: "H*W")
      g.assume("N", isMultipleOf: 16)
      return g.input("x", .f32, ["N"]) + g.input("y", .f32, ["H", "W"]).reshape(["N"])
    }
    try graph.verify()
    #expect(graph.text.hasPrefix("graph @g(%x: f32[N], %y: f32[H, W]) facts (N == H*W, N % 16 == 0) {"))
  }

  @Test func explicitly() throws {
    let x = reals([1, 2, 3])
    let results = try run(["x": x]) { g in
      let x = g.input("x", .f32, [3])
      return [
        x.broadcast(to: [2, 3]), x.broadcast(to: [3, 2], dimensions: [0]), x.broadcast(to: [3, 2], dimensions: [-2]),
        x.broadcast(to: [3]),
      ]
    }
    let down = reals([1, 1, 2, 2, 3, 3], [3, 2])
    #expect(results == [reals([1, 2, 3, 1, 2, 3], [2, 3]), down, down, x])
  }

  @Test func selectBroadcastsItsCondition() throws {
    let results = try run(["x": reals([1, 2, 3, 4, 5, 6], [2, 3])]) { g in
      let x = g.input("x", .f32, [2, 3])
      return x.where(g.constant([true, false, true], .bool), else: 0)
    }
    #expect(results == [reals([1, 0, 3, 4, 0, 6], [2, 3])])
  }
}

import HeedDSL
import HeedIR
import Testing

@Suite struct ShapeTests {
  /// 0, 1, 2, ... in a shape.
  private static func counting(_ shape: [Int]) -> ReferenceArray {
    reals((0..<shape.reduce(1, *)).map { Double($0) }, shape)
  }

  @Test func reshapes() throws {
    #expect(
      try text { $0.input("x", .f32, ["T", 384]).reshape(["T", 12, 32]) } == "%0 = reshape %x : f32[T, 12, 32]\nreturn %0")
    #expect(
      try text { $0.input("x", .f32, ["B", "S", 384]).reshape(["B*S", -1]) } == "%0 = reshape %x : f32[B*S, 384]\nreturn %0")
    #expect(try text { $0.input("x", .f32, ["2*S", 6]).reshape([-1, 4]) } == "%0 = reshape %x : f32[3*S, 4]\nreturn %0")
    #expect(try text { $0.input("x", .f32, ["S"]).reshape(["S"]) } == "return %x")
  }

  @Test func transposes() throws {
    #expect(
      try text { $0.input("x", .f32, ["A", "B", "C"]).transposed() }
        == "%0 = transpose %x {permutation = [0, 2, 1]} : f32[A, C, B]\nreturn %0")
    #expect(
      try text { $0.input("x", .f32, ["A", "B", "C"]).transposed(2, 0, -2) }
        == "%0 = transpose %x {permutation = [2, 0, 1]} : f32[C, A, B]\nreturn %0")
    #expect(try text { $0.input("x", .f32, ["A", "B"]).transposed(0, 1) } == "return %x")
    #expect(
      try run(["x": reals([1, 2, 3, 4, 5, 6], [2, 3])]) { $0.input("x", .f32, [2, 3]).transposed() } == [
        reals([1, 4, 2, 5, 3, 6], [3, 2])
      ])
  }

  @Test func dimensionsOfOne() throws {
    let shapes = try run(["x": Self.counting([2, 3])]) { g in
      let x = g.input("x", .f32, [2, 3])
      return [
        x.expandingDimension(0), x.expandingDimension(1), x.expandingDimension(-1), x.expandingDimension(2).squeezingDimension(-1),
      ]
    }.map(\.shape)
    #expect(shapes == [[1, 2, 3], [2, 1, 3], [2, 3, 1], [2, 3]])
  }

  @Test func subscriptText() throws {
    func line(_ pick: (Tensor) -> Tensor) throws -> String {
      try text { pick($0.input("x", .f32, ["B", "S", 8])) }.split(separator: "\n").dropLast().joined(separator: "; ")
    }
    #expect(try line { $0[0] } == "%0 = slice %x {start = [0, 0, 0], stop = [1, S, 8]} : f32[1, S, 8]; %1 = reshape %0 : f32[S, 8]")
    #expect(try line { $0[.all, 1...] } == "%0 = slice %x {start = [0, 1, 0], stop = [B, S, 8]} : f32[B, S - 1, 8]")
    #expect(
      try line { $0[.rest, -1] }
        == "%0 = slice %x {start = [0, 0, 7], stop = [B, S, 8]} : f32[B, S, 1]; %1 = reshape %0 : f32[B, S]")
    #expect(try line { $0[.rest, (-3)...] } == "%0 = slice %x {start = [0, 0, 5], stop = [B, S, 8]} : f32[B, S, 3]")
    #expect(try line { $0[0..., ..<(-2)] } == "%0 = slice %x {start = [0, 0, 0], stop = [B, S - 2, 8]} : f32[B, S - 2, 8]")
    #expect(
      try line { $0[.all, .range(0, "S - 1", step: 2)] }
        == "%0 = slice %x {start = [0, 0, 0], step = [1, 2, 1], stop = [B, S - 1, 8]} : f32[B, ceil((S + 1)/2) - 1, 8]")
    #expect(try line { $0[.newDimension, .rest] } == "%0 = reshape %x : f32[1, B, S, 8]")
    #expect(try line { $0[.all, .all] } == "")
    #expect(try line { $0[.all, Extent("S - 1"), 2..<4] }.hasSuffix("reshape %0 : f32[B, 2]"))
  }

  @Test func subscriptValues() throws {
    let results = try run(["x": Self.counting([3, 4])]) { g in
      let x = g.input("x", .f32, [3, 4])
      return [
        x[1], x[-1, 0], x[.rest, 1...2], x[..<2, ...1], x[.from(0, step: 2), .from(1, step: 2)], x[2...2, .newDimension, 3],
        x[1..., ...(-1)], x[(-2)...(-1), (-3)...(-2)], x[(-2)..<3, (-4)..<(-2)], x[..<(-1), (-1)...3], x[...(-2), ...0],
        x[..., -1], x[..., 0...1], x[..., -1, (-2)...], x[...],
      ]
    }
    #expect(
      results == [
        reals([4, 5, 6, 7]), reals([8], []), reals([1, 2, 5, 6, 9, 10], [3, 2]), reals([0, 1, 4, 5], [2, 2]),
        reals([1, 3, 9, 11], [2, 2]),
        reals([11], [1, 1]), reals([4, 5, 6, 7, 8, 9, 10, 11], [2, 4]),
        reals([5, 6, 9, 10], [2, 2]), reals([4, 5, 8, 9], [2, 2]), reals([3, 7], [2, 1]), reals([0, 4], [2, 1]),
        reals([3, 7, 11]), reals([0, 1, 4, 5, 8, 9], [3, 2]), reals([10, 11]), Self.counting([3, 4]),
      ])
  }

  @Test func concatenationAndPadding() throws {
    #expect(
      try text { concatenate([$0.input("x", .f32, ["A", 2]), $0.input("y", .f32, ["B", 2])]) }
        == "%0 = concatenate %x, %y {dim = 0} : f32[A + B, 2]\nreturn %0")
    #expect(
      try text { g in [g.input("x", .i32, ["A", 2]).padded(low: [0, 1], high: ["P", 0], with: -1), g.input("p", .i32, ["P"])] }
        == "%0 = pad %x {high = [P, 0], low = [0, 1], value = -1} : i32[A + P, 3]\nreturn %0, %p")
    let results = try run(["x": reals([1, 2], [1, 2]), "y": reals([3, 4], [1, 2])]) { g in
      let (x, y) = (g.input("x", .f32, [1, 2]), g.input("y", .f32, [1, 2]))
      return [
        concatenate([x, y]), concatenate([x, y], dimension: -1), x.padded(low: [1, 0], high: [0, 1], with: 9),
        x.padded(low: [0, 0], high: [1, 0]),
      ]
    }
    #expect(
      results == [
        reals([1, 2, 3, 4], [2, 2]), reals([1, 2, 3, 4], [1, 4]), reals([9, 9, 9, 1, 2, 9], [2, 3]), reals([1, 2, 0, 0], [2, 2]),
      ])
  }
}

@Suite struct SourceTests {
  @Test func indicesAndSizes() throws {
    #expect(
      try text { g in
        let x = g.input("x", .f32, ["B", "S"])
        return [x.index(-1), x.index(0, as: .i64), x.size(1), x.size(0, as: .f32), g.size("B*S"), g.iota(["S", 2], dimension: 1)]
      } == """
        %0 = iota {dim = 1} : i32[B, S]
        %1 = iota {dim = 0} : i64[B, S]
        %2 = extent {value = [S]} : i32
        %3 = extent {value = [B]} : f32
        %4 = extent {value = [B*S]} : i32
        %5 = iota {dim = 1} : i32[S, 2]
        return %0, %1, %2, %3, %4, %5
        """)
    let results = try run(["x": reals([0, 0, 0, 0, 0, 0], [2, 3])]) { g in
      let x = g.input("x", .f32, ["B", "S"])
      return [x.index(1), x.size(1) * x.size(0), g.size(5)]
    }
    #expect(results == [integers([0, 1, 2, 0, 1, 2], [2, 3]), integers([6], []), integers([5], [])])
  }

  @Test func constants() throws {
    #expect(
      try text { g in
        [
          g.constant(0.5).named("half"), g.constant([1, 2, 3], .i64), g.constant([1.5, -Double.infinity], .f64, shape: [2, 1]),
          g.full(["S"], 2) + g.input("x", .f32, ["S"]),
        ]
      } == """
        %half = constant {value = [0.5]} : f32
        %0 = constant {value = [1, 2, 3]} : i64[3]
        %1 = constant {value = [1.5, -inf]} : f64[2, 1]
        %2 = constant {value = [2.0]} : f32
        %3 = broadcast %2 {dims = []} : f32[S]
        %4 = add %3, %x : f32[S]
        return %half, %0, %1, %4
        """)
  }

  @Test func scopesNameParametersAndValues() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", .f32, [2])
      return g.scope("encoder") {
        g.scope("layer.0") { (x * g.parameter("weight", .f32, [2])).named("scaled") } + g.parameter("bias", .f32, [2])
      }.named("out")
    }
    #expect(
      graph.text == """
        graph @g(%x: f32[2], parameter %encoder.layer.0.weight: f32[2], parameter %encoder.bias: f32[2]) {
          %encoder.layer.0.scaled = multiply %x, %encoder.layer.0.weight : f32[2]
          %out = add %encoder.layer.0.scaled, %encoder.bias : f32[2]
          return %out
        }
        """)
  }

  @Test func tiedParametersAreOne() throws {
    let graph = Graph("g") { g in g.parameter("w", .f32, [2]) + g.parameter("w", .f32, [2]) }
    #expect(graph.text == "graph @g(parameter %w: f32[2]) {\n  %0 = add %w, %w : f32[2]\n  return %0\n}")
  }
}

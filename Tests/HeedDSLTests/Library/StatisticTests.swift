import HeedDSL
import HeedIR
import HeedInterpreter
import Testing

/// Means and what is made of them in 16 bits: sums and counts there are beyond what the type holds.
@Suite struct StatisticTests {
  /// What the interpreter makes of the graph, every value rounded to its type.
  private func run(_ inputs: [Name: ReferenceArray], _ build: (GraphBuilder) -> [Tensor]) throws -> [ReferenceArray] {
    try GraphInterpreter.evaluate(Graph(building: "g") { g in build(g) }, inputs: inputs).map(\.array)
  }

  private func repeated(_ value: Double, _ count: Int, _ element: ElementType) -> [Name: ReferenceArray] {
    ["x": reals(Array(repeating: value, count: count), nil, element)]
  }

  @Test(arguments: [
    (ElementType.f16, 2000, 100.0), (.f16, 70000, 0.5), (.bf16, 257, 1), (.bf16, 1027, 3), (.f16, 4096, 60000), (.f32, 3, 7),
  ])
  func means(_ element: ElementType, _ count: Int, _ value: Double) throws {
    let inputs = repeated(value, count, element).merging(["o": integers([0, Int64(count)])]) { a, _ in a }
    let results = try run(inputs) { g in
      let x = g.input("x", element, ["N"])
      return [x.mean(), x.mean(0, keepingDimensions: true), x.segmentMean(g.input("o", .i32, [2])), x.variance()]
    }
    #expect(results.map(\.reals) == [[value], [value], [value], [0]])
    #expect(results.allSatisfy { $0.element == element })
  }

  @Test(arguments: [ElementType.f16, .bf16]) func spread(_ element: ElementType) throws {
    let values = (0..<8192).map { $0 % 2 == 0 ? 3.0 : -3.0 }
    let results = try run(["x": reals(values, nil, element)]) { g in
      let x = g.input("x", element, ["N"])
      return [x.variance(), x.standardDeviation()]
    }
    #expect(results.map(\.reals) == [[9], [3]])
    // The square leaves f16, its root does not.
    let large = try run(["x": reals([30000, -30000], nil, element)]) { [$0.input("x", element, [2]).standardDeviation()] }
    #expect(large[0].reals == [element.round(30000)])
  }

  @Test func normalisation() throws {
    let channel = ["m": 60000.0, "v": 0.0001, "s": 2, "b": 1].map { (Name($0.key), reals([$0.value], nil, .f16)) }
    let inputs = Dictionary(uniqueKeysWithValues: channel).merging(["x": reals([60000], [1, 1], .f16)]) { a, _ in a }
    let results = try run(inputs) { g in
      func input(_ name: String) -> Tensor { g.input(name, .f16, [1]) }
      let x = g.input("x", .f16, [1, 1])
      return [batchNorm(x, mean: input("m"), variance: input("v"), scale: input("s"), bias: input("b"))]
    }
    #expect(results[0] == reals([1], [1, 1], .f16))
  }

  /// Positions beyond 256 are numbers of their own.
  @Test func positions() throws {
    let results = try run([:]) { g in
      let position = g.constant([4099], .i32)
      return [
        sinusoidalEncoding(position, size: 2, element: .bf16), sinusoidalEncoding(position, size: 2, element: .f32),
        RotaryEmbedding(size: 2)(g.full([1, 2], 1.0, .bf16), positions: position),
        RotaryEmbedding(size: 2)(g.full([1, 2], 1.0), positions: position),
        alibiBias(g.full([1, 1, 1000], 0, .bf16))[0, 0], -(g.iota([1000]).cast(to: .f32) / 256),
        logSoftmax(g.constant([0, 300.5, 301], .f16)), logSoftmax(g.constant([0, 300.5, 301])),
      ]
    }
    for (narrow, wide) in [(0, 1), (2, 3), (4, 5), (6, 7)] {
      let element = results[narrow].element
      for (a, b) in zip(results[narrow].reals, results[wide].reals) {
        #expect(abs(a - element.round(b)) <= Swift.max(abs(b), 1) * 0.008)
      }
    }
  }
}

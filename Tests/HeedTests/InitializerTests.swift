import Foundation
import Heed
import Testing

@Suite struct InitializerTests {
  private func numbers(_ initializer: Initializer, _ shape: [Int], name: String = "w", seed: UInt64 = 1) throws -> [Double] {
    let graph = try Graph(building: "g") { g in
      [g.parameter(name, .f64, Shape(shape.map { Extent($0) })).sum().named("sum")]
    }
    var initializers = Initializers()
    initializers["*"] = initializer
    let array = try #require(try initializers.arrays(for: graph, seed: seed)[name])
    #expect(array.shape == shape && array.element == .f64)
    return try array.doubles()
  }

  private func moments(_ numbers: [Double]) -> (mean: Double, deviation: Double) {
    let mean = numbers.reduce(0, +) / Double(numbers.count)
    return (mean, (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)).squareRoot())
  }

  @Test func constants() throws {
    #expect(try numbers(.zeros, [2, 2]) == [0, 0, 0, 0])
    #expect(try numbers(.ones, [3]) == [1, 1, 1])
    #expect(try numbers(.constant(0.25), [2]) == [0.25, 0.25])
  }

  /// An initialiser, and the mean, the deviation and the bound of its numbers.
  struct Distribution: Sendable {
    let initializer: Initializer
    let mean: Double
    let deviation: Double
    let bound: Double

    init(_ initializer: Initializer, mean: Double = 0, variance: Double, bound: Double = .infinity) {
      (self.initializer, self.mean, deviation, self.bound) = (initializer, mean, variance.squareRoot(), bound)
    }
  }

  /// The fans of a weight [100, 50, 8] are 400 and 800.
  private static let distributions: [Distribution] = [
    Distribution(.normal(mean: 2, deviation: 0.5), mean: 2, variance: 0.25),
    Distribution(.truncatedNormal(deviation: 0.02), variance: 3.0949e-4, bound: 0.04),
    Distribution(.uniform(low: -1, high: 3), mean: 1, variance: 16.0 / 12, bound: 2),
    Distribution(.xavierUniform(gain: 3), variance: 18.0 / 1200, bound: sqrt(54.0 / 1200)),
    Distribution(.xavierNormal(), variance: 2.0 / 1200),
    Distribution(.kaimingUniform(), variance: 2.0 / 400, bound: sqrt(6.0 / 400)),
    Distribution(.kaimingNormal(gain: 1, fan: .outputs), variance: 1.0 / 800),
    Distribution(.linearWeight, variance: 1.0 / 1200, bound: sqrt(1.0 / 400)),
  ]

  @Test(arguments: distributions) func moments(_ expected: Distribution) throws {
    let (mean, deviation, bound) = (expected.mean, expected.deviation, expected.bound)
    let numbers = try numbers(expected.initializer, [100, 50, 8])
    let found = moments(numbers)
    #expect(abs(found.mean - mean) < 4 * deviation / 200, "\(found)")
    #expect(abs(found.deviation / deviation - 1) < 0.02, "\(found)")
    #expect(numbers.allSatisfy { abs($0 - mean) <= bound })
    if bound.isFinite { #expect(numbers.contains { abs($0 - mean) > 0.97 * bound }) }
    #expect(Set(numbers).count > 39_000)
  }

  @Test(arguments: [[40, 40], [30, 70], [70, 30], [1, 5], [5, 1], [8, 3, 5]]) func orthogonal(_ shape: [Int]) throws {
    let (rows, columns) = (shape[0], shape.dropFirst().reduce(1, *))
    let q = try numbers(.orthogonal(gain: 2), shape)
    let isWide = rows <= columns
    let (count, length) = isWide ? (rows, columns) : (columns, rows)
    func element(_ vector: Int, _ place: Int) -> Double { isWide ? q[vector * columns + place] : q[place * columns + vector] }
    for a in 0..<count {
      for b in 0..<count {
        let product = (0..<length).reduce(0) { $0 + element(a, $1) * element(b, $1) }
        #expect(abs(product - (a == b ? 4 : 0)) < 1e-12)
      }
    }
  }

  /// All orthogonal matrices are equally likely: either sign of the first number, and of the determinant, comes half of the time.
  @Test func orthogonalSigns() throws {
    let matrices = try (0..<400).map { try numbers(.orthogonal(), [2, 2], seed: UInt64($0)) }
    #expect((160...240).contains(matrices.count { $0[0] > 0 }))
    #expect((160...240).contains(matrices.count { $0[0] * $0[3] - $0[1] * $0[2] > 0 }))
  }

  /// Bits that must never change: they are the same on all machines, and checkpoints' beginnings rely on it.
  @Test func recordedNumbers() throws {
    let normal = try numbers(.normal(), [3], name: "layer.weight", seed: 7).map { String($0.bitPattern, radix: 16) }
    let uniform = try numbers(.uniform(), [3], name: "layer.weight", seed: 7).map { String($0.bitPattern, radix: 16) }
    #expect(normal == ["3fe018517073c994", "bfb116d58dba6235", "3fe64d9a8895ef1f"])
    #expect(uniform == ["3feedf4e2fcfbec9", "3fdc0d60df02e0e6", "3febda2c725f3b96"])
  }

  private static func model(_ layers: Int, _ initializers: inout Initializers) throws -> Graph {
    try Graph(building: "model") { g in
      var x = Embedding("embedding", in: g, count: 11, size: 8)(g.input("ids", .i32, ["S"]))
      for layer in 0..<layers {
        x = LayerNorm("norm.\(layer)", in: g, size: 8)(x)
        x = FeedForward("block.\(layer)", in: g, size: 8, hiddenSize: 16)(x)
      }
      x = BatchNorm("batch", in: g, size: 8)(x)
      initializers = g.initializers
      return x.named("x")
    }
  }

  /// Every parameter of the layers has an initialiser, and another layer changes none of the others.
  @Test func layersAreIndependent() throws {
    var (small, large) = (Initializers(), Initializers())
    let graphs = (try Self.model(1, &small), try Self.model(2, &large))
    let (few, many) = (try small.arrays(for: graphs.0, seed: 3), try large.arrays(for: graphs.1, seed: 3))
    #expect(Set(few.keys) == Set(graphs.0.parameters.map(\.name)) && many.count == few.count + 6)
    for (name, array) in few { #expect(try array.floats() == many[name]!.floats(), "\(name)") }
    #expect(try few["block.0.up.weight"]!.floats() != many["block.1.up.weight"]!.floats())
    #expect(try few["block.0.up.weight"]!.floats() != small.arrays(for: graphs.0, seed: 4)["block.0.up.weight"]!.floats())
    #expect(try few["norm.0.weight"]!.floats() == [Float](repeating: 1, count: 8))
    #expect(try few["batch.running_var"]!.floats() == few["norm.0.weight"]!.floats())
    let bound = Float(1 / 8.0.squareRoot())
    for name in ["block.0.up.weight", "block.0.up.bias"] { #expect(try few[name]!.floats().allSatisfy { abs($0) <= bound }) }
    #expect(try graphs.0.compile().load(parameters: few.map { ($0.key, $0.value) }).callAsFunction(["ids": [1, 2, 3]])["x"] != nil)
  }

  /// 16-bit parameters are the rounded numbers of wider ones.
  @Test func elementTypes() throws {
    func array(_ element: ElementType) throws -> NDArray {
      let graph = Graph("g") { g in g.parameter("w", element, [4, 4]).sum().named("s") }
      var initializers = Initializers()
      initializers["w"] = .xavierNormal()
      return try initializers.arrays(for: graph, seed: 1)["w"]!
    }
    #expect(try array(.bf16).element == .bf16)
    #expect(try array(.bf16).floats() == array(.f64).converted(to: .bf16).floats())
  }

  @Test func patternsOverrideLayers() throws {
    var initializers = Initializers()
    let graph = try Self.model(1, &initializers)
    initializers["*.bias"] = .constant(3)
    initializers["block.*.bias"] = .constant(4)
    let arrays = try initializers.arrays(for: graph, seed: 1)
    #expect(try arrays["norm.0.bias"]!.floats()[0] == 3 && arrays["block.0.down.bias"]!.floats()[0] == 4)
    initializers["block.*.bias"] = nil
    #expect(initializers.initializer(of: "block.0.down.bias") == .constant(3))
    #expect(initializers.initializer(of: "embedding.weight") == .normal() && initializers.initializer(of: "other") == nil)
  }

  /// What a closure says of names counts whether it says so before the layer or behind it.
  @Test(arguments: [false, true]) func patternsInTheClosure(_ isFirst: Bool) throws {
    let (graph, initializers) = try Graph.withInitializers("model") { g in
      if isFirst { g.initializers["*.bias"] = .constant(3) }
      let y = Linear("map", in: g, inputs: 4, outputs: 2)(g.input("x", .f32, ["S", 4]))
      if !isFirst { g.initializers["*.bias"] = .constant(3) }
      return y.named("y")
    }
    let arrays = try initializers.arrays(for: graph, seed: 1)
    #expect(arrays.keys.sorted() == ["map.bias", "map.weight"])
    #expect(try arrays["map.bias"]!.floats() == [3, 3] && arrays["map.weight"]!.floats().allSatisfy { $0 != 3 })
    #expect(throws: HeedError.self) { try Graph.withInitializers("bad") { g in g.input("x", .f32, [3]) + g.input("y", .f32, [4]) } }
  }

  @Test func mistakes() throws {
    let graph = Graph("g") { g in (g.parameter("w", .f32, [3]) + g.parameter("v", .f32, [3])).named("s") }
    var initializers = Initializers()
    initializers["w"] = .orthogonal()
    func message(_ graph: Graph) -> String? {
      #expect(throws: HeedError.self) { try initializers.arrays(for: graph, seed: 1) }?.message
    }
    #expect(message(graph) == "orthogonal of %w: got the shape [3], expected [outputs, inputs, ...] without a 0")
    initializers["w"] = .zeros
    #expect(message(graph) == "got no initializer of %v: f32[3], expected one by its layer or by a pattern of names")
    initializers["v"] = .zeros
    let open = Graph("g") { g in g.parameter("w", .f32, ["N"]).named("s").sum().named("t") }
    #expect(message(open) == "zeros of %w: got the type f32[N], expected numbers as extents")
  }
}

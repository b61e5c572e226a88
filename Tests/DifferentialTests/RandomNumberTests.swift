import Foundation
import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Random numbers, compiled.
@Suite struct RandomNumberTests {
  private static let bindings: [[Name: Int]] = [
    ["B": 1, "S": 1], ["B": 2, "S": 3], ["B": 3, "S": 64], ["B": 1, "S": 131], ["B": 2, "S": 517], ["B": 0, "S": 4],
  ]

  private static func inputs(_ graph: Graph) throws -> [[Name: ReferenceArray]] {
    let seeds: [Int64] = [0, 1, -1, 0x0123_4567_89ab_cdef, .min, 77]
    return try zip(bindings, seeds).map { size, seed in
      try randomInputs(graph, size, given: ["seed": ReferenceArray(.i64, [], integers: [seed])])
    }
  }

  /// To the bit, on every target: rows of all lengths, seeds of all sizes.
  @Test func bitsAreThoseOfTheReference() throws {
    let graph = try Graph(building: "bits") { g in
      let key = g.randomKey(g.input("seed", .i64), stream: 5)
      let (shape, narrow): (Shape, Shape) = (g.input("x", .f32, ["B", "S"]).shape, ["S", "B", 3])
      return [
        g.randomBits(shape, key: key), g.randomBits(narrow, key: key), g.randomBits(.scalar, key: key),
        g.bernoulli(shape, probability: 0.3, key: key), g.bernoulli(["S"], probability: 0.999, key: g.randomKey(8)),
        g.uniform(shape, key: key), g.uniform(narrow, .f64, key: key), g.uniform(shape, .f16, key: key),
        g.uniform(["S", "B", 64], .bf16, key: key),
      ]
    }
    try expectAgreement(graph, Self.inputs(graph), .exact, targets: allHostTargets)
  }

  /// Positions that are not whole rows of a tensor: behind each other from anywhere, in steps, backwards, one for all, of no order.
  @Test func positions() throws {
    let graph = try graph(
      "%seed: i64, %start: i64, %any: i64[B, S], %keys: i64[B, S]",
      """
      %i = iota {dim = 0} : i64[B, S]
      %j = iota {dim = 1} : i64[B, S]
      %near = add %j, %start
      %a = random_bits %seed, 1, %near
      %pitch = multiply %i, 4
      %aligned = add %pitch, %j
      %b = random_bits %seed, %start, %aligned
      %twos = multiply %j, 2
      %c = random_bits %seed, 1, %twos
      %back = subtract 1000, %j
      %d = random_bits %seed, 1, %back
      %e = random_bits %seed, 1, %i
      %f = random_bits %seed, 1, %any
      %g = random_bits %keys, %any, %aligned
      %eights = multiply %i, 8
      %lower = subtract %j, %eights
      %h = random_bits %seed, 1, %lower
      return %a, %b, %c, %d, %e, %f, %g, %h
      """)
    let inputs = try Self.inputs(graph).enumerated().map { number, inputs in
      inputs.merging(["start": ReferenceArray(.i64, [], integers: [[0, 1, 2, 3, 7, 4][number]])]) { $1 }
    }
    try expectAgreement(graph, inputs, .exact)
  }

  /// Within 1e-6 of the formula in f32, as stated.
  @Test(arguments: floatTypes) func normal(_ element: ElementType) throws {
    let graph = try Graph(building: "normal") { g in
      let (shape, seed) = (g.input("x", .f32, ["B", "S"]).shape, g.input("seed", .i64))
      return [g.normal(shape, element, key: g.randomKey(seed)), g.normal(["S", 3], element, key: g.randomKey(3))]
    }
    try expectAgreement(graph, Self.inputs(graph), Tolerance(f32: 1e-6, f64: 1e-14, roundings: 1, scale: .element))
  }

  /// Activations of a layer: the mask is that of the reference, and what is kept is scaled.
  @Test(arguments: [ElementType.f32, .bf16]) func dropoutOfActivations(_ element: ElementType) throws {
    let graph = try Graph(building: "layer") { g in
      let key = g.randomKey(g.input("seed", .i64))
      let layer = Linear("layer", in: g, inputs: 5, outputs: 37, element: element)
      let hidden = gelu(layer(g.input("x", element, ["B", "S", 5])))
      return [hidden.dropout(probability: 0.1, key: key), hidden + tanh(hidden.dropout(probability: 0.5, key: key.stream(1)))]
    }
    try expectAgreement(graph, Self.inputs(graph), .loose)
  }
}

/// Statistics of 2^20 draws. The seeds are fixed, so that a right implementation always passes; the bounds are four standard deviations.
@Suite struct RandomStatisticsTests {
  private static let side = 1024
  private static let count = Double(side * side)

  private static func draws(_ seed: Int = 1, _ build: (GraphBuilder, RandomKey) -> Tensor) throws -> [Double] {
    let graph = try Graph(building: "draws") { g in build(g, g.randomKey(seed)).cast(to: .f64) }
    return try graph.compile(options())([:])[0].doubles()
  }

  private func expect(_ value: Double, near expected: Double, deviation: Double, _ what: String) {
    #expect(abs(value - expected) < 4 * deviation, "\(what): \(value), expected \(expected), deviation \(deviation)")
  }

  private func mean(_ numbers: some Collection<Double>) -> Double { numbers.reduce(0, +) / Double(numbers.count) }

  /// Pearson's statistic of bins that are equally likely.
  private func chiSquare(_ bins: [Int], of count: Int) -> Double {
    var counts = [Int](repeating: 0, count: count)
    for bin in bins { counts[bin] += 1 }
    let expected = Double(bins.count) / Double(count)
    return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
  }

  @Test(arguments: [ElementType.f32, .f64], [1, 2024]) func uniform(_ element: ElementType, _ seed: Int) throws {
    let numbers = try Self.draws(seed) { g, key in g.uniform([Extent(Self.side), Extent(Self.side)], element, key: key) }
    expect(mean(numbers), near: 0.5, deviation: (1 / 12 / Self.count).squareRoot(), "mean")
    let squares = numbers.map { ($0 - 0.5) * ($0 - 0.5) }
    expect(mean(squares), near: 1 / 12, deviation: (1 / 180 / Self.count).squareRoot(), "variance")
    for bins in [16, 256, 4096] {
      let degrees = Double(bins - 1)
      let value = chiSquare(numbers.map { Int($0 * Double(bins)) }, of: bins)
      expect(value, near: degrees, deviation: (2 * degrees).squareRoot(), "chi-square of \(bins) bins")
    }
    // Pairs of neighbours in a row and in a column.
    for distance in [1, 2, 3, 4, Self.side] {
      let value = chiSquare(
        stride(from: 0, to: numbers.count - distance, by: 2 * distance).flatMap { start in
          (start..<min(start + distance, numbers.count - distance)).map {
            Int(numbers[$0] * 16) * 16 + Int(numbers[$0 + distance] * 16)
          }
        }, of: 256)
      expect(value, near: 255, deviation: 510.squareRoot(), "chi-square of pairs at distance \(distance)")
    }
  }

  @Test func everyBitIsFair() throws {
    let graph = try Graph(building: "bits") { g in
      g.randomBits([Extent(Self.side), Extent(Self.side)], key: g.randomKey(1))
    }
    let words = try graph.compile(options())([:])[0].values(as: Int32.self)
    for bit in 0..<32 {
      let ones = words.reduce(0) { $0 + Int($1 >> Int32(bit) & 1) }
      expect(Double(ones), near: Self.count / 2, deviation: Self.count.squareRoot() / 2, "bit \(bit)")
    }
  }

  @Test func streamsAndSeedsAreUncorrelated() throws {
    let shape: Shape = [Extent(Self.side), Extent(Self.side)]
    let first = try Self.draws { g, key in g.uniform(shape, key: key) }
    let others = [
      try Self.draws { g, key in g.uniform(shape, key: key.stream(1)) }, try Self.draws(2) { g, key in g.uniform(shape, key: key) },
      try Self.draws(1 << 32 | 1) { g, key in g.uniform(shape, key: key) },
    ]
    for other in others {
      let products = zip(first, other).map { ($0 - 0.5) * ($1 - 0.5) * 12 }
      expect(mean(products), near: 0, deviation: 1 / Self.count.squareRoot(), "correlation")
    }
  }

  @Test(arguments: [ElementType.f32, .f64]) func normal(_ element: ElementType) throws {
    let numbers = try Self.draws { g, key in g.normal([Extent(Self.side), Extent(Self.side)], element, key: key) }
    expect(mean(numbers), near: 0, deviation: 1 / Self.count.squareRoot(), "mean")
    for (power, moment, variance) in [(2, 1.0, 2.0), (3, 0, 15), (4, 3, 96)] {
      expect(
        mean(numbers.map { pow($0, Double(power)) }), near: moment, deviation: (variance / Self.count).squareRoot(),
        "moment \(power)")
    }
    let bins = numbers.map { min(255, Int(128 * (1 + Foundation.erf($0 / 2.0.squareRoot())))) }
    expect(chiSquare(bins, of: 256), near: 255, deviation: 510.squareRoot(), "chi-square")
    // Both tails are there.
    expect(Double(numbers.count { abs($0) > 4 }), near: 6.334e-5 * Self.count, deviation: 8.2, "beyond 4")
  }

  @Test(arguments: [0.001, 0.1, 0.5, 0.9]) func bernoulli(_ probability: Double) throws {
    let numbers = try Self.draws { g, key in
      g.bernoulli([Extent(Self.side), Extent(Self.side)], probability: probability, key: key)
    }
    expect(
      numbers.reduce(0, +), near: probability * Self.count,
      deviation: (probability * (1 - probability) * Self.count).squareRoot(), "true")
  }
}

import Foundation
import HeedDSL
import HeedIR
import Testing

@Suite struct LayerTests {
  /// Numbers in a shape that look random and are the same each time.
  private static func numbers(_ seed: Int, _ shape: [Int]) -> ReferenceArray {
    let count = shape.reduce(1, *)
    return reals((0..<count).map { Double((($0 + seed) * 7919 + seed * 104729) % 2003) / 1001 - 1 }, shape)
  }

  /// x [rows, n] W^T [m, n] + b.
  private static func linear(_ x: [[Double]], _ w: ReferenceArray, _ b: ReferenceArray?) -> [[Double]] {
    x.map { row -> [Double] in
      (0..<w.shape[0]).map { m -> Double in
        var sum: Double = b?.reals[m] ?? 0
        for (k, element) in row.enumerated() { sum += element * w.reals[m * row.count + k] }
        return sum
      }
    }
  }

  private static func rows(_ x: ReferenceArray) -> [[Double]] {
    stride(from: 0, to: x.count, by: x.shape.last!).map { Array(x.reals[$0..<$0 + x.shape.last!]) }
  }

  /// What the layer that `build` makes gives for x and every parameter filled with `numbers`; and the parameters.
  private func run(_ x: ReferenceArray, _ build: (GraphBuilder, Tensor) -> Tensor) throws -> (
    ReferenceArray, [String: ReferenceArray]
  ) {
    let graph = try Graph(building: "layer") { g in build(g, g.input("x", x.element, Shape(x.shape.map { Extent($0) }))) }
    var parameters: [String: ReferenceArray] = [:]
    for (seed, argument) in graph.arguments.enumerated() where argument.role == .parameter {
      parameters[graph.name(argument.value).text] = Self.numbers(
        seed, graph.type(argument.value).shape.extents.map { $0.constant! })
    }
    let result = try HeedDSLTests.run(parameters.merging(["x": x]) { $1 }) { g in
      build(g, g.input("x", x.element, Shape(x.shape.map { Extent($0) })))
    }
    return (result[0], parameters)
  }

  @Test func linearMaps() throws {
    let x = Self.numbers(1, [3, 4])
    let (y, parameters) = try run(x) { Linear("dense", in: $0, inputs: 4, outputs: 2)($1) }
    #expect(parameters.keys.sorted() == ["dense.bias", "dense.weight"])
    #expect(
      isNear(y, reals(Self.linear(Self.rows(x), parameters["dense.weight"]!, parameters["dense.bias"]!).flatMap { $0 }, [3, 2])))
    let (plain, few) = try run(x) { Linear("dense", in: $0, inputs: 4, outputs: 2, hasBias: false)($1.reshape([1, 3, 4])) }
    #expect(few.keys.sorted() == ["dense.weight"])
    #expect(isNear(plain, reals(Self.linear(Self.rows(x), few["dense.weight"]!, nil).flatMap { $0 }, [1, 3, 2])))
  }

  @Test func embeddings() throws {
    let (y, parameters) = try run(integers([2, 0])) { Embedding("words", in: $0, count: 3, size: 2)($1) }
    let table = parameters["words.weight"]!.reals
    #expect(y == reals([table[4], table[5], table[0], table[1]], [2, 2]))
  }

  @Test func norms() throws {
    let x = reals([1, 3])
    let (layer, parameters) = try run(x) { LayerNorm("n", in: $0, size: 2, epsilon: 3)($1) }
    let (w, b) = (parameters["n.weight"]!.reals, parameters["n.bias"]!.reals)
    #expect(isNear(layer, reals([-0.5 * w[0] + b[0], 0.5 * w[1] + b[1]])))
    let (rms, scale) = try run(x) { RMSNorm("n", in: $0, size: 2, epsilon: 11)($1) }
    #expect(isNear(rms, reals([0.25 * scale["n.weight"]!.reals[0], 0.75 * scale["n.weight"]!.reals[1]])))
  }

  @Test func feedForward() throws {
    let x = Self.numbers(3, [2, 4])
    let (y, p) = try run(x) { FeedForward("mlp", in: $0, size: 4, hiddenSize: 3, activation: .relu)($1) }
    let inner = Self.linear(Self.rows(x), p["mlp.up.weight"]!, p["mlp.up.bias"]!).map { $0.map { max($0, 0) } }
    #expect(isNear(y, reals(Self.linear(inner, p["mlp.down.weight"]!, p["mlp.down.bias"]!).flatMap { $0 }, [2, 4])))

    let (gated, q) = try run(x) {
      FeedForward("mlp", in: $0, size: 4, hiddenSize: 3, isGated: true, hasBias: false, activation: .silu)($1)
    }
    let up = Self.linear(Self.rows(x), q["mlp.up.weight"]!, nil)
    let gate = Self.linear(Self.rows(x), q["mlp.gate.weight"]!, nil)
    let product = zip(up, gate).map { zip($0, $1).map { $0 * $1 / (1 + exp(-$1)) } }
    #expect(isNear(gated, reals(Self.linear(product, q["mlp.down.weight"]!, nil).flatMap { $0 }, [2, 4])))
  }

  /// Attention by its definition: [rows, heads * size] queries, keys, values; true where a row may attend.
  private static func attention(
    _ q: [[Double]], _ k: [[Double]], _ v: [[Double]], heads: Int, size: Int, group: Int = 1,
    bias: (Int, Int, Int) -> Double = { _, _, _ in 0 },
    where live: (Int, Int) -> Bool = { _, _ in true }
  ) -> [[Double]] {
    q.indices.map { i in
      (0..<heads).flatMap { h -> [Double] in
        let shared = h / group
        let weights = k.indices.map { j in
          let score = (0..<size).reduce(0.0) { $0 + q[i][h * size + $1] * k[j][shared * size + $1] } / Double(size).squareRoot()
          return live(i, j) ? exp(score + bias(h, i, j)) : 0
        }
        let total = weights.reduce(0, +)
        return (0..<size).map { d in k.indices.reduce(0.0) { $0 + weights[$1] * v[$1][shared * size + d] } / total }
      }
    }
  }

  @Test func attention() throws {
    let x = Self.numbers(5, [3, 4])
    let rows = Self.rows(x)
    func maps(_ p: [String: ReferenceArray], _ x: [[Double]], _ name: String) -> [[Double]] {
      Self.linear(x, p["a.\(name).weight"]!, p["a.\(name).bias"])
    }
    let (causal, p) = try run(x) {
      MultiHeadAttention("a", in: $0, size: 4, headCount: 2)($1, mask: { $0.index(-1) <= $0.index(-2) })
    }
    let heads = Self.attention(
      maps(p, rows, "query"), maps(p, rows, "key"), maps(p, rows, "value"), heads: 2, size: 2, where: { $1 <= $0 })
    #expect(isNear(causal, reals(maps(p, heads, "output").flatMap { $0 }, [3, 4]), 1e-7))

    // Across: the queries are the first row alone.
    let (across, c) = try run(x) { MultiHeadAttention("a", in: $0, size: 4, headCount: 2, hasBias: false)($1[0..<1], context: $1) }
    let first = Self.attention(maps(c, [rows[0]], "query"), maps(c, rows, "key"), maps(c, rows, "value"), heads: 2, size: 2)
    #expect(isNear(across, reals(maps(c, first, "output").flatMap { $0 }, [1, 4]), 1e-7))

    // Two query heads share a key head; a bias by head and distance.
    let (grouped, d) = try run(x) { g, x in
      MultiHeadAttention("a", in: g, size: 4, headCount: 4, keyValueHeadCount: 2, hasBias: false)(x, bias: { alibiBias($0) })
    }
    #expect(d["a.key.weight"]!.shape == [2, 4])
    let shared = Self.attention(
      maps(d, rows, "query"), maps(d, rows, "key"), maps(d, rows, "value"), heads: 4, size: 1, group: 2,
      bias: { h, i, j in -pow(2, -2 * Double(h + 1)) * Double(Swift.abs(i - j)) })
    #expect(isNear(grouped, reals(maps(d, shared, "output").flatMap { $0 }, [3, 4]), 1e-7))
  }

  /// The result of attention is the sum of what heads add, each times its gate.
  @Test(arguments: [false, true], [false, true]) func headsAddUp(isAcross: Bool, isAdapted: Bool) throws {
    let gates = [0.5, 0, -2, 3]
    func results(_ g: GraphBuilder) -> [Tensor] {
      let rows = g.input("x", .f32, [2, 3, 4])
      let context = isAcross ? g.input("memory", .f32, [2, 5, 3]) : rows
      func attention() -> MultiHeadAttention {
        MultiHeadAttention("a", in: g, size: 4, headCount: 4, keyValueHeadCount: 2, contextSize: isAcross ? 3 : 4)
      }
      let plain = isAdapted ? g.adapting(LowRankAdaptation(of: ["*"], rank: 1, alpha: 3), attention) : attention()
      var gated = plain
      gated.headGates = g.constant(gates)
      return [gated, plain].flatMap { heads in
        let (y, probabilities) = heads.attend(rows, context: context)
        let added = matmul(probabilities, heads.headOutputs(of: context))
        return [y - heads.output.bias!, added.sum(1), added]
      }
    }
    var inputs = ["x": Self.numbers(5, [2, 3, 4])]
    if isAcross { inputs["memory"] = Self.numbers(6, [2, 5, 3]) }
    let graph = try Graph(building: "g") { results($0) }
    for (seed, argument) in graph.arguments.enumerated() where argument.role == .parameter {
      inputs[graph.name(argument.value).text] = Self.numbers(seed, graph.type(argument.value).shape.extents.map { $0.constant! })
    }
    let found = try HeedDSLTests.run(inputs) { results($0) }
    #expect(
      found[0].shape == [2, 3, 4] && found[2].shape == [2, 4, 3, 4] && inputs.keys.contains("a.output.adapter.up") == isAdapted)
    #expect(isNear(found[0], found[1], 1e-7) && isNear(found[3], found[4], 1e-7))
    let expected = found[5].reals.enumerated().map { $1 * gates[$0 / 12 % 4] }
    #expect(isNear(found[2], reals(expected, [2, 4, 3, 4]), 1e-7) && !isNear(found[0], found[3], 0.1))
  }

  /// Scores are divided by the root of the head size, also where that is a symbol.
  @Test func sizesOfHeadsMayBeSymbols() throws {
    func attended(_ g: GraphBuilder, size: Extent) -> Tensor {
      let map = Linear(weight: g.input("w", .f32, [size, 4]))
      return MultiHeadAttention(
        query: map, key: map, value: map, output: Linear(weight: g.input("out", .f32, [4, size])), headCount: 2)(
          g.input("x", .f32, [3, 4]))
    }
    let inputs = ["x": Self.numbers(1, [3, 4]), "w": Self.numbers(2, [6, 4]), "out": Self.numbers(3, [4, 6])]
    let (known, symbolic) = (
      try HeedDSLTests.run(inputs) { attended($0, size: 6) }, try HeedDSLTests.run(inputs) { attended($0, size: "2*D") }
    )
    #expect(isNear(known[0], symbolic[0], 1e-7))
  }

  @Test func gatesForEachRowOfABatch() throws {
    let results = try HeedDSLTests.run(["x": Self.numbers(5, [2, 3, 4])]) { g in
      let rows = g.input("x", .f32, [2, 3, 4])
      let identity = Linear(weight: g.constant((0..<16).map { $0 % 5 == 0 ? 1 : 0.0 }, shape: [4, 4]))
      var heads = MultiHeadAttention(query: identity, key: identity, value: identity, output: identity, headCount: 2)
      let plain = heads(rows)
      heads.headGates = g.constant([1, 2, 3, 4.0], shape: [2, 2])
      return [heads(rows), plain]
    }
    let expected = results[1].reals.enumerated().map { $1 * Double(1 + $0 / 12 * 2 + $0 % 4 / 2) }
    #expect(isNear(results[0], reals(expected, [2, 3, 4]), 1e-7))
  }

  @Test func attentionOverABatchGivesProbabilities() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", .f32, ["B", "S", 8])
      let (output, probabilities) = MultiHeadAttention("a", in: g, size: 8, headCount: 2).attend(x)
      return [output, probabilities]
    }
    try graph.verify()
    #expect(graph.results.map { graph.type($0) } == [TensorType(.f32, ["B", "S", 8]), TensorType(.f32, ["B", 2, "S", "S"])])
  }
}

@Suite struct PositionTests {
  @Test func sinusoids() throws {
    let results = try run { g in
      let positions = g.iota([3])
      return [sinusoidalEncoding(positions, size: 4), sinusoidalEncoding(positions, size: 4, isInterleaved: false)]
    }
    let angles = (0..<3).map { [Double($0), Double($0) / 100] }
    let expected = angles.flatMap { [sin($0[0]), cos($0[0]), sin($0[1]), cos($0[1])] }
    #expect(isNear(results[0], reals(expected, [3, 4]), 1e-8))
    #expect(isNear(results[1], reals(angles.flatMap { $0.map { sin($0) } + $0.map { cos($0) } }, [3, 4]), 1e-8))
  }

  @Test func rotaryTurnsPairs() throws {
    let x = reals([1, 2, 3, 4, 1, 2, 3, 4], [2, 4])
    let results = try run(["x": x]) { g in
      let x = g.input("x", .f32, [2, 4])
      let turned = RotaryEmbedding(size: 4)
      return [
        turned(x), turned(x, positions: g.constant([5, 7], .i32)), RotaryEmbedding(size: 4, base: 100, isInterleaved: true)(x),
      ]
    }
    func turn(_ a: Double, _ b: Double, _ angle: Double) -> [Double] {
      [a * cos(angle) - b * sin(angle), a * sin(angle) + b * cos(angle)]
    }
    func halves(_ t: Double) -> [Double] {
      let (first, second) = (turn(1, 3, t), turn(2, 4, t / 100))
      return [first[0], second[0], first[1], second[1]]
    }
    #expect(isNear(results[0], reals(halves(0) + halves(1), [2, 4]), 1e-8))
    #expect(isNear(results[1], reals(halves(5) + halves(7), [2, 4]), 1e-7))
    #expect(isNear(results[2], reals([1, 2, 3, 4] + turn(1, 2, 1) + turn(3, 4, 0.1), [2, 4]), 1e-8))
  }

  /// Rotated scores depend on the distance of the positions alone.
  @Test func rotaryScoresAreRelative() throws {
    let results = try run { g in
      let (q, k) = (g.constant([1, 2, -1, 0.5], .f64, shape: [1, 4]), g.constant([0.3, -1, 2, 1], .f64, shape: [1, 4]))
      let turned = RotaryEmbedding(size: 4)
      func score(_ i: Int, _ j: Int) -> Tensor {
        matmul(turned(q, positions: g.constant([i], .i32)), turned(k, positions: g.constant([j], .i32)).transposed())
      }
      return [score(3, 1), score(10, 8), score(2, 2), score(0, 0), score(1, 3)]
    }.map { $0.reals[0] }
    #expect(Swift.abs(results[0] - results[1]) < 1e-12 && Swift.abs(results[2] - results[3]) < 1e-12)
    #expect(Swift.abs(results[0] - results[4]) > 0.1)
  }

  @Test func alibi() throws {
    let eight: [Double] = [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]
    #expect(alibiSlopes(headCount: 8) == eight)
    // Of 12 heads, the slopes of 8, then every other one of 16.
    let roots: [Double] = [1, 3, 5, 7].map { Foundation.pow(2.0, -$0 / 2) }
    #expect(alibiSlopes(headCount: 12) == eight + roots)
    #expect(alibiSlopes(headCount: 1) == [pow(2, -8)])
    let bias = try run(["x": reals([0, 0, 0, 0, 0, 0, 0, 0], [2, 2, 2])]) { alibiBias($0.input("x", .f32, [2, "S", "S"])) }
    #expect(bias == [reals([0, -0.0625, -0.0625, 0, 0, -0.00390625, -0.00390625, 0], [2, 2, 2])])
  }

  /// The buckets of T5 for distances key minus query, by its own definition.
  private static func bucket(_ relative: Int, isBidirectional: Bool) -> Int {
    var (side, bucket, distance) = (32, 0, max(-relative, 0))
    if isBidirectional {
      side = 16
      bucket = relative > 0 ? 16 : 0
      distance = Swift.abs(relative)
    }
    let exact = side / 2
    if distance < exact { return bucket + distance }
    let wide = exact + Int(log(Double(distance) / Double(exact)) / log(128 / Double(exact)) * Double(side - exact))
    return bucket + min(wide, side - 1)
  }

  @Test(arguments: [true, false]) func relativePositions(isBidirectional: Bool) throws {
    let table = reals((0..<64).map { Double($0) }, [32, 2])
    let bias = try run(["r.weight": table, "x": reals(Array(repeating: 0, count: 300), [2, 1, 150])]) { g in
      let x = g.input("x", .f32, [2, 1, 150])
      let table = RelativePositionBias("r", in: g, headCount: 2, isBidirectional: isBidirectional)
      let square = g.full([2, 150, 150], 0)
      return [table(square), table(x)]
    }
    let expected = (0..<150).flatMap { i in (0..<150).map { j in Double(Self.bucket(j - i, isBidirectional: isBidirectional)) } }
    #expect(bias[0] == reals(expected.map { 2 * $0 } + expected.map { 2 * $0 + 1 }, [2, 150, 150]))
    #expect(bias[1].reals[..<150] == bias[0].reals[..<150])
  }
}

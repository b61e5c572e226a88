import Heed
import HeedInterpreter
import HeedTestSupport
import Testing

/// Dropout of attention's weights: a part of the fused op, with the same mask for any tiling and any number of threads.
@Suite struct DropoutTests {
  private enum Form: CaseIterable { case plain, causal, window, grouped }

  private static func attention(_ form: Form, _ element: ElementType) throws -> Graph {
    try Graph(building: "dropout") { g in
      let key = g.randomKey(g.input("seed", .i64), stream: 2)
      let keyHeads: Extent = form == .grouped ? 1 : 2
      let q = g.input("q", element, ["B", 2, "M", 12])
      let k = g.input("k", element, ["B", keyHeads, "N", 12])
      let v = g.input("v", element, ["B", keyHeads, "N", 9])
      var scores = matmul(q, k.transposed()) * 0.3
      if form == .causal { scores = scores.where(Mask.causal(.topLeft)(scores), else: -.infinity) }
      if form == .window {
        let mask = Mask.causal(.topLeft) & .slidingWindow(before: 20, after: 0, .topLeft)
        scores = scores.where(mask(scores), else: -.infinity)
      }
      return matmul(softmax(scores).dropout(probability: 0.25, key: key), v).named("out")
    }
  }

  private static func inputs(_ graph: Graph, _ sizes: [(Int, Int, Int)]) throws -> [[Name: ReferenceArray]] {
    try sizes.enumerated().map { number, size in
      try randomInputs(
        graph, ["B": size.0, "M": size.1, "N": size.2], seed: UInt64(number + 1),
        given: ["seed": ReferenceArray(.i64, [], integers: [Int64(number) &* 0x7654_3210_9876_5433])])
    }
  }

  @Test(arguments: Form.allCases, floatTypes) private func agrees(_ form: Form, _ element: ElementType) throws {
    let graph = try Self.attention(form, element)
    let sizes = [(2, 50, 130), (1, 130, 50), (2, 3, 1100), (1, 1, 1), (1, 97, 97), (1, 0, 4), (1, 4, 0)]
    try expectAgreement(graph, Self.inputs(graph, sizes), attentions: 1, note: "\(form) \(element) ")
    let compiled = try graph.compile(options())
    let attention = try #require(compiled.graph.body.first { compiled.graph.op($0) == .attention })
    #expect(compiled.graph.region(attention, "factor")?.instructions.contains { $0.operation == .elementwise(.randomBits) } == true)
  }

  @Test(arguments: hostTargets) func threads(_ target: Target) throws {
    let graph = try Self.attention(.causal, .f32)
    try expectSameBits(graph, Self.inputs(graph, [(2, 300, 300)]), target: target)
  }

  /// Gradients in tiles of any size are those of the interpreter: what is dropped does not depend on the tiles of either direction.
  @Test(arguments: ["[4, 8]", "[16, 48]", "[96, 128]", "[1, 200]"], Form.allCases) private func gradients(
    _ tile: String, _ form: Form
  ) throws {
    let reverse = try Self.attention(form, .f32).reverseGraph()
    let optimized = try reverse.optimized(options()).graph.ir
    let tiled = try parse(optimized.text.replacing(/tile = \[\d+, \d+\]/, with: "tile = \(tile)"))
    #expect(tiled.text.ranges(of: "tile = \(tile)").count > 1)
    try expectAgreement(tiled, Self.inputs(tiled, [(2, 50, 130), (1, 130, 50), (1, 1, 1)]), .loose, note: "\(tile) ")
    try expectSameBits(tiled, Self.inputs(tiled, [(1, 130, 201)]), note: "\(tile) ")
  }

  /// Values that pick one key each show every weight: the dropped ones are those of `bernoulli`, whatever the tiles.
  @Test(arguments: ["[16, 16]", "[48, 96]", "[12, 192]", "[96, 384]"], [false, true]) func masks(_ tile: String, _ isCausal: Bool)
    throws
  {
    let (rows, columns) = (130, 201)
    let graph = try graph(
      "%q: f32[2, 2, \(rows), 8], %k: f32[2, 2, \(columns), 8], %v: f32[2, 2, \(columns), \(columns)], %seed: i64",
      """
      %out = attention %q, %k, %v, %seed score (%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
        %y = multiply %s, 0.1 : f32 yield %y
      } where (%b: i32, %h: i32, %i: i32, %j: i32) {
        \(isCausal ? "%l = less_equal %j, %i : bool yield %l" : "yield true")
      } factor (%b: i32, %h: i32, %i: i32, %j: i32) {
        %key = element %seed[] : i64
        %b64 = convert %b : i64
        %h64 = convert %h : i64
        %i64 = convert %i : i64
        %j64 = convert %j : i64
        %heads = multiply %b64, 2 : i64
        %head = add %heads, %h64 : i64
        %rows = multiply %head, \(rows) : i64
        %row = add %rows, %i64 : i64
        %first = multiply %row, \((columns + 3) / 4 * 4) : i64
        %position = add %first, %j64 : i64
        %bits = random_bits %key, 0, %position : i32
        %kept = less %bits, 1288490189 : bool
        %f = select %kept, 1.25, 0.0 : f32
        yield %f
      } {tile = \(tile)} : f32[2, 2, \(rows), \(columns)]
      return %out
      """)
    let seed: Int64 = 99
    let identity = ReferenceArray(
      .f32, [2, 2, columns, columns],
      reals: (0..<4 * columns * columns).map { $0 / columns % columns == $0 % columns ? 1 : 0 })
    let inputs = try randomInputs(graph, [:], given: ["seed": ReferenceArray(.i64, [], integers: [seed]), "v": identity])
    let kept = try Graph(building: "kept") { g in
      g.bernoulli([2, 2, Extent(rows), Extent(columns)], probability: 0.8, key: g.randomKey(Int(seed)))
    }
    let expected = try GraphInterpreter.evaluate(kept, inputs: [:])[0].array.integers
    for target in hostTargets {
      let weights = try graph.compile(options(target)).run(graph, inputs, guarding: .ends)[0].values(as: Float.self)
      let wrong = weights.indices.count { position in
        let isLive = !isCausal || position % columns <= position / columns % rows
        return (weights[position] != 0) != (isLive && expected[position] == 1)
      }
      #expect(wrong == 0, "\(target): \(wrong) of \(weights.count)")
    }
  }

  /// Each segment of a ragged batch, and heads that are merged with sequences for the products.
  @Test func raggedAndMerged() throws {
    let ragged = try Graph(building: "ragged") { g in
      let key = g.randomKey(g.input("seed", .i64))
      let segments = g.segmentIDs(g.input("offsets", .i32, ["B + 1"]), count: "T")
      let (q, k, v) = (g.input("q", .f32, [2, "T", 8]), g.input("k", .f32, [2, "T", 8]), g.input("v", .f32, [2, "T", 5]))
      let scores = matmul(q, k.transposed()) * 0.3
      let mask = segments.expandingDimension(1) == segments.expandingDimension(0)
      return matmul(softmax(scores.where(mask, else: -.infinity)).dropout(probability: 0.5, key: key), v)
    }
    let offsets = ReferenceArray(.i32, [5], integers: [0, 3, 3, 70, 120])
    try expectAgreement(ragged, [randomInputs(ragged, ["T": 120, "B": 4], given: ["offsets": offsets])], attentions: 1)

    let merged = try Graph(building: "merged") { g in
      let key = g.randomKey(g.input("seed", .i64))
      let (q, k, v) = (
        g.input("q", .f32, ["B*3", "S", 8]), g.input("k", .f32, ["B*3", "S", 8]), g.input("v", .f32, ["B*3", "S", 5])
      )
      let scores = (matmul(q, k.transposed()) * 0.3).reshape(["B", 3, "S", "S"])
      let weights = softmax(scores.where(Mask.causal()(scores), else: -.infinity)).dropout(probability: 0.5, key: key)
      return matmul(weights.reshape(["B*3", "S", "S"]), v)
    }
    try expectAgreement(merged, at: [["B": 2, "S": 50], ["B": 1, "S": 131]], attentions: 1)
  }

  @Test func layer() throws {
    let graph = try Graph(building: "layer") { g in
      var attention = MultiHeadAttention("attention", in: g, size: 16, headCount: 4)
      attention.dropout = (0.1, g.randomKey(g.input("seed", .i64)))
      return attention(g.input("x", .f32, ["B", "S", 16]), mask: .causal(), scores: .alibi())
    }
    try expectAgreement(graph, at: [["B": 2, "S": 30], ["B": 1, "S": 1]], .loose, attentions: 1)
  }

  /// Random bits in the score and in the mask.
  @Test func otherRegions() throws {
    let graph = try Graph(building: "regions") { g in
      let key = g.randomKey(g.input("seed", .i64))
      let (q, k, v) = (g.input("q", .f32, ["B", "M", 8]), g.input("k", .f32, ["B", "N", 8]), g.input("v", .f32, ["B", "N", 5]))
      let scores = matmul(q, k.transposed()) * 0.3
      let noise = g.uniform(scores.shape, key: key.stream(1)) * 2
      let sparse = g.bernoulli(scores.shape, probability: 0.2, key: key)
      return [
        matmul(softmax(scores + noise), v), matmul(softmax(scores.where(sparse, else: -.infinity)), v),
        matmul(stopGradient(softmax(stopGradient(scores).where(sparse, else: -.infinity))), v),
      ]
    }
    try expectAgreement(graph, at: [["B": 2, "M": 60, "N": 70], ["B": 1, "M": 2, "N": 600]])
  }
}

import HeedIR
import HeedInterpreter
import HeedTestSupport
import Testing

/// Statistics of attention's weights, which no one stores: sums over queries, entropies, the greatest keys, pooled maps, windows.
@Suite struct AttentionStatisticsTests {
  private static let softmax = "%w = softmax %x {dim = $j}"
  /// Rows without a live pair among others.
  private static let lengths = [
    "%l = broadcast %length {dims = [0]} : $I", "%a = less %j, %l", "%b = less_equal %j, %i", "%live = and %a, %b",
    "%x = select %live, %s, -inf",
  ]

  private static func rows(_ element: ElementType) -> AttentionGraph {
    AttentionGraph(
      element: element, arguments: ["%length: i32[B]", "%price: \(element)[N]"], score: lengths,
      weights: [
        softmax, "%received = reduce %w {dims = [$i], kind = add}", "%all = reduce %w {dims = [1, $i], kind = add}",
        "%logarithm = log %w", "%product = multiply %w, %logarithm", "%some = greater %w, 0.0",
        "%share = select %some, %product, 0.0", "%negated = negate %share", "%entropy = reduce %negated {dims = [$j], kind = add}",
        "%prices = broadcast %price {dims = [$j]} : $F", "%priced = multiply %w, %prices",
        "%cost = reduce %priced {dims = [$j], kind = add}", "%best, %keys = top_k %w {count = 3}",
        "%last = slice %w {start = [0, 0, M - 2, 0], stop = [B, 2, M, N]}", "%recent = reduce %last {dims = [$i], kind = add}",
        "%window = slice %w {start = [0, 0, 1, 2], stop = [B, 2, 3, N]}",
      ], returns: "%out, %received, %all, %entropy, %cost, %best, %keys, %recent, %window")
  }

  private static func inputs(_ graph: Graph, _ sizes: [[Name: Int]]) throws -> [[Name: ReferenceArray]] {
    try sizes.enumerated().map { number, size in
      let lengths = ReferenceArray(.i32, [size["B"]!], integers: [Int64(size["N"]!) - 1, 0].prefix(size["B"]!).map { $0 })
      return try randomInputs(graph, size, seed: UInt64(number + 1), given: ["length": lengths])
    }
  }

  /// Logarithms of weights in 16 bits are rounded, and small weights with them.
  @Test(arguments: floatTypes) func statisticsOfRowsAndColumns(_ element: ElementType) throws {
    let graph = try Self.rows(element).graph()
    let sizes: [[Name: Int]] = [["B": 2, "M": 5, "N": 7], ["B": 1, "M": 50, "N": 130], ["B": 1, "M": 130, "N": 500]]
    let inputs = try Self.inputs(graph, element.byteCount == 2 ? Array(sizes.prefix(1)) : sizes)
    try expectAgreement(
      graph, inputs, Tolerance(f32: 2e-5, f64: 1e-11, roundings: 16), attentions: 1,
      targets: element == .f32 ? nil : [allHostTargets.last!])
  }

  /// Blocks of rows and columns, by sums and by maxima; heads that share keys.
  @Test(arguments: [nil, [0]] as [[Int]?]) func pooled(_ keyBatch: [Int]?) throws {
    let graph = try AttentionGraph(
      keyBatch: keyBatch, rows: "4*M", columns: "8*N", arguments: ["%sink: f32[2]"],
      score: ["%live = less_equal %j, %i", "%x = select %live, %s, -inf"],
      weights: [
        "%column = broadcast %sink {dims = [1]} : f32[B, 2, 4*M, 1]", "%xs = concatenate %x, %column {dim = $j}",
        "%ws = softmax %xs {dim = $j}", "%w = slice %ws {start = [0, 0, 0, 0], stop = [B, 2, 4*M, 8*N]}",
        "%blocks = reshape %w : f32[B, 2, M, 4, N, 8]", "%heat = reduce %blocks {dims = [3, 5], kind = add}",
        "%peak = reduce %blocks {dims = [1, 3, 5], kind = maximum}", "%bands = reshape %w : f32[B, 2, 4*M, N, 8]",
        "%band = reduce %bands {dims = [4], kind = add}",
      ], returns: "%out, %heat, %peak, %band"
    ).graph()
    try expectAgreement(
      graph, at: [["B": 2, "M": 1, "N": 1], ["B": 1, "M": 13, "N": 17], ["B": 1, "M": 30, "N": 60]], attentions: 1,
      targets: [hostTargets.last!])
  }

  /// A weight of 0 adds nothing to an entropy, where the written form has 0 times the logarithm of 0.
  @Test func entropyOfZeroIsZero() throws {
    let graph = try AttentionGraph(
      arguments: ["%length: i32[B]"], score: Self.lengths,
      weights: [
        Self.softmax, "%logarithm = log %w", "%product = multiply %w, %logarithm",
        "%sum = reduce %product {dims = [$j], kind = add}",
        "%entropy = negate %sum",
      ], returns: "%out, %entropy"
    ).graph()
    let size: [Name: Int] = ["B": 2, "M": 9, "N": 60]
    let compiled = try graph.compile(options(hostTargets.last!))
    #expect(compiled.graph.body.contains { compiled.graph.op($0) == .attentionReduce }, "\(compiled.graph.text)")
    let inputs = try Self.inputs(graph, [size])[0]
    let entropies = ReferenceArray(try compiled.run(graph, inputs, guarding: .ends)[1]).reals
    // Row i has i + 1 live keys, the second sequence none.
    for (position, entropy) in entropies.enumerated() {
      let most = position < 18 ? Double(position % 9 + 1) : 1
      #expect(entropy >= -1e-6 && entropy <= most.logarithm + 1e-6, "\(position): \(entropy)")
    }
  }

  /// The same bits for any number of threads.
  @Test func threads() throws {
    let graph = try Self.rows(.f32).graph()
    let inputs = try Self.inputs(graph, [["B": 2, "M": 200, "N": 700]])[0]
    let results = try [1, 3].map { count in
      try graph.compile(options(hostTargets.last!, threads: count)).run(graph, inputs, guarding: .ends).map { ReferenceArray($0) }
    }
    #expect(results[0] == results[1])
  }
}

extension Double {
  fileprivate var logarithm: Double { Op.log.scalar!.apply([Literal(self)], types: [.f64], result: .f64).real }
}
